"""The shipped networks, as graphs, and what is made of them by a change of their text."""

import re
from collections.abc import Callable
from pathlib import Path

from convnet.graph.build import build
from convnet.graph.guess_sizes import infer_dims
from convnet.language import Source
from convnet.language.specs import RunDefaults, Specs

ROOT = Path(__file__).parents[1]


def shipped_graph(name: str):
    """The graph of layers/NAME.cfg with params/NAME.params.

    name: "NAME", or "NAME:CHANGE:..." with changes of the text, as in "alexnet:one" and
    "cifar10-norm:side=48:filters=16" (see `CHANGES`).
    """
    name, *changes = name.split(":")
    texts = [(ROOT / place).read_text(encoding="utf-8")
             for place in (f"layers/{name}.cfg", f"params/{name}.params")]  # fmt: skip
    for change in changes:
        what, _, value = change.partition("=")
        texts = CHANGES[what](*texts, int(value or 0))
    layers, params = (Source.from_text(text, name) for text in texts)
    specs = Specs.parse(layers, params)
    RunDefaults(specs.params, specs.problems)
    dims, _ = infer_dims(specs.layers, None, None)
    return build(specs.layers, specs.params, specs.problems, data_dims=dims)


def shapes_of(graph) -> tuple[tuple[int, int, int], int]:
    """Shape of an image, and the number of classes."""
    image = next(node for node in graph.nodes if node.is_data)
    classes = [node for node in graph.nodes if not node.is_cost][-1].shape.size
    return tuple(image.shape), classes


# -- changes ---------------------------------------------------------------------------------------

_SECTION = re.compile(r"^\[(\w+)\]\n(?:(?!\[).*\n)*", re.M)


def _one(layers, params, _):
    """Without what the file says of devices."""
    return re.sub(r"^gpu=.*\n", "", layers, flags=re.M), params


def _devices(layers, params, count):
    """A replica of every layer, but not of data, on each of so many devices."""
    numbers = ",".join(map(str, range(count)))

    def put(found):
        section = found[0].rstrip("\n")
        return found[0] if "type=data" in section else f"{section}\ngpu={numbers}\n\n"

    return _SECTION.sub(put, layers), params


def _side(layers, params, side):
    """Images of another side."""
    return re.sub(r"^imgSize=.*", f"imgSize={side}", layers, flags=re.M), params


def _filters(layers, params, count):
    """So many filters in each convolution."""
    known = re.findall(r"^filters=(\d+)", layers, flags=re.M)
    old = "|".join(set(known))
    return re.sub(rf"^(filters|channels)=({old})$", rf"\1={count}", layers, flags=re.M), params


def _convs(layers, params, count):
    """Copies of the last convolution behind it, so that there are so many."""
    sections, learning = (
        {found[1]: found[0] for found in _SECTION.finditer(text)} for text in (layers, params)
    )
    names = [name for name, text in sections.items() if "type=conv" in text]
    last, tail, rates = names[-1], "", ""
    for number in range(len(names), count):
        before = f"more{number - 1}" if number > len(names) else last
        text = sections[last].replace(f"[{last}]", f"[more{number}]")
        tail += re.sub(r"^inputs=.*", f"inputs={before}", text, flags=re.M)
        rates += learning[last].replace(f"[{last}]", f"[more{number}]")
    if tail:
        layers = re.sub(rf"^inputs={last}$", f"inputs=more{count - 1}", layers, flags=re.M)
        layers = layers.replace(sections[last], sections[last] + tail)
    return layers, params + rates


CHANGES: dict[str, Callable] = {
    "one": _one,
    "devices": _devices,
    "side": _side,
    "filters": _filters,
    "convs": _convs,
}
