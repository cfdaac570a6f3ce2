"""Rows of the table of cases: a small network in text, its data, and its way into memory."""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.layers import Tree
from convnet.network.network import Network

LEARNING = "epsW=0.1 epsB=0.2 momW=0.9 momB=0.8 wc=0.01"
DATA_INDEX = {"x": 0, "x2": 2, "x3": 3}
LABELS, TARGETS = 1, 4
WEIGHTED = ("conv", "local", "fc", "sfc", "treefc")


@dataclass(frozen=True)
class Row:
    """One layer configuration.

    layers: a layer a line, "name key=value key=value"; data layers x, x2, x3 (shaped as `shapes`)
    labels and targets (0 and 1, one a class) stand in front.  If the last layer is no cost, a full
    connection to three random outputs and a sum of squares follow, so that its gradient is of no
    special form.
    params: likewise; rates, momenta and coefficients are filled in.
    values: of the data, see `draw`.  differences: finite differences give the gradient (not so at
    ties, nor where the dialect's gradient is approximate).  tolerance: of float32 against float64.
    tree: of the labels.
    """

    name: str
    layers: str
    params: str = ""
    shapes: tuple = ((4, 5, 5),)
    cases: int = 5
    values: str = "smooth"
    classes: int = 6
    tree: Tree | None = None
    differences: bool = True
    tolerance: float = 2e-5

    def lines(self) -> list[tuple[str, dict]]:
        return _lines(self.layers)

    def last(self) -> str:
        return self.lines()[-1][0]

    def data_names(self) -> list[str]:
        return list(DATA_INDEX)[: len(self.shapes)]

    def data_dims(self) -> dict[int, int]:
        dims = zip(self.data_names(), self.shapes, strict=True)
        sizes = {DATA_INDEX[name]: math.prod(shape) for name, shape in dims}
        return sizes | {LABELS: 1, TARGETS: self.classes}

    def matrices(self, cases: int | None = None) -> dict[int, np.ndarray]:
        """The data by dataIdx, (values, cases), float64; the same at every call."""
        cases, rng = cases or self.cases, np.random.default_rng(zlib.crc32(self.name.encode()))
        dims = self.data_dims()
        sizes = [dims[DATA_INDEX[name]] * cases for name in self.data_names()]
        flat = draw(self.values, sum(sizes), rng)  # together, so that no two inputs tie
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        found = {
            DATA_INDEX[name]: part.reshape(-1, cases)
            for name, part in zip(self.data_names(), parts, strict=True)
        }
        found[LABELS] = rng.integers(0, self.classes, (1, cases)).astype(float)
        found[TARGETS] = rng.integers(0, 2, (self.classes, cases)).astype(float)
        return found


def draw(values: str, size: int, rng) -> np.ndarray:
    """smooth: normal.  apart: distinct, none near zero.  wide: apart, -6..6.  positive: 0.2..2.2.
    tied: small whole numbers, many of them equal."""
    if values == "smooth":
        return rng.standard_normal(size)
    if values == "tied":
        return rng.integers(-2, 3, size).astype(float)
    apart = rng.permutation(np.linspace(-1, 1, 2 * size)[::2] + 0.1 / size)
    if values == "positive":
        return 1.2 + apart
    return apart * {"apart": 1.5, "wide": 6.0}[values]


def _lines(text):
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, *pairs = line.split(" ")
        found.append((name, dict(pair.split("=", 1) for pair in pairs)))
    return found


def _sections(lines) -> str:
    parts = [[f"[{name}]", *(f"{k}={v}" for k, v in keys.items())] for name, keys in lines]
    return "\n".join("\n".join(part) for part in parts) + "\n"


def texts(row: Row, again: str = "") -> tuple[str, str]:
    """The layer file and the params file.

    again: "after" or "before" gives every data layer a second reader, after or before the row's.
    """
    front = [
        (name, {"type": "data", "dataIdx": DATA_INDEX[name], **_image(shape)})
        for name, shape in zip(row.data_names(), row.shapes, strict=True)
    ]
    layers, params = row.lines(), _lines(row.params)
    read = {name for _, keys in layers for name in keys.get("inputs", "").split(",")}
    for name, index in (("labels", LABELS), ("targets", TARGETS)):
        if name in read:
            front.append((name, {"type": "data", "dataIdx": index}))
    if not layers[-1][1]["type"].startswith("cost."):
        layers.append(("readout", {"type": "fc", "inputs": row.last(), "outputs": 3}))
        layers.append(("total", {"type": "cost.sum2", "inputs": "readout"}))
    if again:
        others = [(f"again-{n}", {"type": "cost.sum2", "inputs": n}) for n in row.data_names()]
        layers = layers + others if again == "after" else others + layers
    return _sections(front + _completed(layers)), _sections(_params(layers) + params)


def _image(shape):
    square = len(shape) == 3 and shape[1] == shape[2]
    return {"channels": shape[0], "imgSize": shape[1]} if square else {}


def _completed(layers):
    return [(n, {"initW": 0.1, **k} if k["type"] in WEIGHTED else k) for n, k in layers]


def _params(layers):
    found = []
    for place, (name, keys) in enumerate(layers):
        if keys["type"] in WEIGHTED:
            found.append((name, dict(pair.split("=") for pair in LEARNING.split())))
        if keys["type"].startswith("cost."):
            found.append((name, {"coeff": 0.7 - 0.1 * (place % 4)}))
    return found


def graph_of(layers: str, params: str, data_dims=None, tree=None):
    """The graph of two texts; mistakes raise SpecError."""
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    return build(*files, problems, data_dims=data_dims, tree=tree)


def network_of(row: Row, real=np.float64, again: str = "", cases: int | None = None) -> Network:
    """The row's network, its weights random, its data loaded, the rest of its memory poisoned."""
    graph = graph_of(*texts(row, again), row.data_dims(), row.tree)
    cases = cases or row.cases
    network = Network(graph, cases + 3, Engine(real), input_gradients=True)
    randomize(network)
    poison(network)
    network.load(row.matrices(cases))
    return network


def randomize(network: Network) -> None:
    """Weights of deviation about 1/sqrt(fan-in), biases around 0.1; the same in every type."""
    for name, parameter in network.parameters.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        size = 0.1 if parameter.index is None else parameter.spec.blocks[1] ** -0.5
        network.write(parameter, size * rng.standard_normal(parameter.spec.shape))


def poison(network: Network) -> None:
    """Fill what the steps must write before they read it: NaN, and ones in all bits elsewhere."""
    for name in network.plan.programs:
        network.program(name)  # the scratch memory exists from here on
    for buffer, memory in network.engine.memory.items():
        if buffer.role not in ("weights", "velocity", "controls", "state"):
            memory.view(np.uint8)[...] = 255
    for view in network.plan.costs.values():
        network.engine.write(view, network.cases, np.nan)
    for scratch in network.engine.scratch.values():
        scratch[...] = 255
