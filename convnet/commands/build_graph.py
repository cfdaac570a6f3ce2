"""The graph of a pair of files without their data, for the commands that need none."""

from convnet.cli_options.shared import DimsArguments, LanguageArguments
from convnet.graph.build import Graph, build
from convnet.graph.infer_inputs import infer_dims, placeholder_tree
from convnet.language.specs import Specs


def build_without_data(
    specs: Specs, language: LanguageArguments, dims: DimsArguments
) -> tuple[Graph, str]:
    """Return the graph, and a line about what was assumed of the data ("" if nothing).

    Raises SpecError with all errors of the files.
    """
    sizes, assumed = infer_dims(specs.layers, dims.data_dims, dims.classes)
    tree, made_up = placeholder_tree(specs.layers, dims.classes)
    graph = build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=language.dialect,
        data_dims=sizes,
        classes=dims.classes,
        tree=tree,
    )
    specs.problems.raise_errors(strict=language.strict)
    return graph, "; ".join(filter(None, [assumed, made_up]))
