"""The shipped networks, as graphs."""

from pathlib import Path

from convnet.graph.build import build
from convnet.graph.guess_sizes import infer_dims
from convnet.language import Source, read_source
from convnet.language.specs import RunDefaults, Specs

ROOT = Path(__file__).parents[1]


def shipped_graph(name: str, one_device: bool = False):
    """The graph of layers/NAME.cfg with params/NAME.params.

    one_device: without what the file says of devices.
    """
    text = (ROOT / f"layers/{name}.cfg").read_text(encoding="utf-8")
    if one_device:
        text = "".join(line for line in text.splitlines(True) if not line.startswith("gpu="))
    params = read_source(ROOT / f"params/{name}.params")
    specs = Specs.parse(Source.from_text(text, f"{name}.cfg"), params)
    RunDefaults(specs.params, specs.problems)
    dims, _ = infer_dims(specs.layers, None, None)
    return build(specs.layers, specs.params, specs.problems, data_dims=dims)


def shapes_of(graph) -> tuple[tuple[int, int, int], int]:
    """Shape of an image, and the number of classes."""
    image = next(node for node in graph.nodes if node.is_data)
    classes = [node for node in graph.nodes if not node.is_cost][-1].shape.size
    return tuple(image.shape), classes
