"""Exported networks beside those here: `python -m tests.scripts.export_table [nets|corpus|rows]`.

For each shipped net, each published pair of files and each row of the table of cases: the largest
difference to ONNX Runtime and to PyTorch over 64 inputs (a row has its own), of the values before
the softmax, relative to the largest of them, and of the probabilities.  onnx checks each file and
infers its shapes.  Weights are random and scaled layer by layer, and the norms' `scale` is raised
so that their sums count; "1 %" is what such an error in the least important array of weights or
biases would change, and "top" the largest probability.  What has no form is printed with the
reason.  A summary in Markdown follows (docs/export.md).

The published files are in ../shared/corpus beside the repository, or in CONVNET_CORPUS.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet import nets
from convnet.backends.cpu.engine import Engine
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from tests.scripts.corpus_table import graph_of, name_of
from tests.support.cases import CASES
from tests.support.exported import (
    LIMIT,
    compare,
    compared_layers,
    draw_weights,
    least_effect,
    sensitive,
)
from tests.support.paths import CORPUS
from tests.support.rows import network_of

INPUTS, FEW = 64, 4
SEEN = 10 * LIMIT  # an error of 1 % in an array must change more: one of 0.1 % is beyond the limit
SATURATED = 0.999  # probabilities above it hide what is below
HEAD = "   values: onnx    torch  probs.: onnx    torch      1 %    top    s"
GROUPS = {"corpus": "{} published pairs of files", "rows": "{} rows of layer types"}


@dataclass(frozen=True)
class Line:
    """A line of the table.

    values, chances: the differences to ONNX Runtime and to PyTorch of the values and of the
    probabilities, where there are any.  effect, top: see above; None of rows.  refused: why the
    network has no form.
    """

    name: str
    values: tuple[float, float] = (0.0, 0.0)
    chances: tuple[float, float] | None = None
    effect: float | None = None
    top: float | None = None
    refused: str = ""

    def problems(self) -> list[str]:
        """What is wrong with it."""
        found = []
        if not max(*self.values, *(self.chances or ())) <= LIMIT:
            found.append("DIFFERS")
        if self.effect is not None and not self.effect > SEEN:
            found.append("INSENSITIVE")
        if self.top is not None and not self.top < SATURATED:
            found.append("SATURATED")
        return found

    def cells(self) -> list[str]:
        """Its numbers as they are printed."""
        numbers = [*self.values, *(self.chances or (None, None)), self.effect]
        top = "-" if self.top is None else f"{self.top:.3f}"
        texts = [*("-" if n is None else f"{n:.1e}" for n in numbers), top]
        widths = (7, 7, 14, 7, 7, 5)
        return [f"{text:>{width}}" for text, width in zip(texts, widths, strict=True)]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", help="nets, corpus, rows; all by default")
    options.add_argument("--only", default="", help="names that hold this text")
    options.add_argument("--inputs", type=int, default=INPUTS, help="of whole nets; default 64")
    given = options.parse_args()
    found: dict[str, list[Line]] = {}
    for title, makers in (("nets", _nets), ("corpus", _corpus), ("rows", _rows)):
        if not given.what or title in given.what:
            print(f"\n{title:78}{HEAD}")
            named = [(name, make) for name, make in makers(given.inputs) if given.only in name]
            found[title] = [_printed(name, make) for name, make in named]
    print("\n" + "\n".join(summary(found)))
    return 0 if found and not any(line.problems() for ls in found.values() for line in ls) else 1


def _printed(name: str, make: Callable) -> Line:
    started = time.perf_counter()
    line = judged(name, make)
    seconds = time.perf_counter() - started
    shown = f"refused: {line.refused}" if line.refused else "  ".join(line.cells())
    print(f"{name:82} {shown}  {seconds:3.0f}  {' '.join(line.problems())}".rstrip(), flush=True)
    return line


def judged(name: str, make: Callable) -> Line:
    """Compare a network.  make: returns it, its data, two lists of layers, and an effect."""
    try:
        network, data, layers, effect = make()
        with tempfile.TemporaryDirectory() as folder:
            found = compare(network, data, (*layers[0], *layers[1]), Path(folder))
    except ConvnetError as reason:
        return Line(name, refused=str(reason).splitlines()[0])
    values = [max((f[n].relative for n in layers[0]), default=0.0) for f in found]
    if not layers[1]:
        return Line(name, tuple(values), None, effect)
    chances = [max(f[n].largest for n in layers[1]) for f in found]
    top = max(float(network.output(n).max()) for n in layers[1])
    return Line(name, tuple(values), tuple(chances), effect, top if effect else None)


def summary(found: dict[str, list[Line]]) -> Iterator[str]:
    """The table of docs/export.md, and the refusals by reason."""
    yield "| | values: ONNX Runtime | PyTorch | probabilities: ONNX Runtime | PyTorch |"
    yield "|---|---|---|---|---|"
    for title, lines in found.items():
        written = [line for line in lines if not line.refused]
        if title == "nets":
            yield from (_row(f"`{line.name}`", [line]) for line in written)
        else:
            yield _row(GROUPS[title].format(len(written)), written)
    lines = [line for lines in found.values() for line in lines]
    effects = [line.effect for line in lines if line.effect is not None]
    tops = [line.top for line in lines if line.top is not None]
    if effects:
        yield f"\nnets: 1 % changes {min(effects):.1e} at least; top {max(tops, default=0):.3f}"
    for reason, count in Counter(_reason(line) for line in lines if line.refused).items():
        yield f"refused, {count}: {reason}"


def _row(title: str, lines: list[Line]) -> str:
    """The largest numbers of some lines."""
    columns = zip(*(line.values + (line.chances or (None, None)) for line in lines), strict=True)
    worst = [max((n for n in column if n is not None), default=None) for column in columns]
    return f"| {title} | {' | '.join('' if n is None else f'{n:.1e}' for n in worst)} |"


def _reason(line: Line) -> str:
    """A refusal without the layer's name."""
    return re.sub(r"^\S+: ", "", line.refused)


# -- networks --------------------------------------------------------------------------------------


def _nets(inputs) -> Iterator[tuple]:
    for net in nets.shipped():
        yield net.name, lambda net=net: _whole(_shipped(net), inputs)


def _shipped(net):
    specs = Specs.read(net.layers, net.params)
    return build(specs.layers, specs.params, specs.problems)


def _corpus(inputs) -> Iterator[tuple]:
    path = CORPUS / "expected.jsonl"
    if not path.exists():
        sys.exit(f"there are no published files in {CORPUS}; CONVNET_CORPUS names their folder")
    for line in path.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        yield name_of(pair), lambda pair=pair: _whole(graph_of(pair), inputs)


def _rows(_) -> Iterator[tuple]:
    for row in CASES:
        yield row.name, lambda row=row: _row_network(row)


def _whole(graph, inputs):
    """A network of a graph, with weights, after a run on random data."""
    layers = compared_layers(graph)
    sensitive(graph)
    for node in graph.nodes:
        if len(node.devices) > 1:
            node.devices = (0,)  # else only the last microbatch of an inner layer's values is kept
    network = Network(graph, inputs, Engine(np.float32))
    data = random_data(graph, inputs)
    few = {index: np.ascontiguousarray(m[:, :FEW]) for index, m in data.items()}
    draw_weights(network, few)
    effect = least_effect(network, few, (*layers[0], *layers[1]))
    network.load(data)
    network.run("test")
    return network, data, layers, effect


def _row_network(row):
    network = network_of(row, np.float32)
    network.run("test")
    is_cost = network.graph.node(row.last()).is_cost
    layers = compared_layers(network.graph) if is_cost else ([row.last()], [])
    return network, row.matrices(), layers, None


def random_data(graph, cases) -> dict[int, np.ndarray]:
    """Matrices (values, cases) by dataIdx: N(0,1), labels 0."""
    rng = np.random.default_rng(1)
    return {
        index: np.zeros((1, cases), np.float32)
        if rows == 1
        else rng.standard_normal((rows, cases), np.float32)
        for index, rows in graph.data_dims.items()
    }


if __name__ == "__main__":
    sys.exit(main())
