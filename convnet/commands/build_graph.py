"""The graph of a pair of files without their data, for the commands that need none."""

from convnet.graph.build import Graph, build
from convnet.graph.infer_inputs import infer_dims, placeholder_tree
from convnet.language.specs import Specs


def build_without_data(
    specs: Specs, dialect=None, data_dims=None, classes=None, strict=False
) -> tuple[Graph, str]:
    """(graph, what was assumed of the data: a line, or "").  SpecError lists all mistakes."""
    dims, assumed = infer_dims(specs.layers, data_dims, classes)
    tree, made_up = placeholder_tree(specs.layers, classes)
    graph = build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=dialect,
        data_dims=dims,
        classes=classes,
        tree=tree,
    )
    specs.problems.raise_errors(strict=strict)
    return graph, "; ".join(filter(None, [assumed, made_up]))
