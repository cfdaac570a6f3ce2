"""Exported networks beside those here: `python -m tests.scripts.export_table [nets|corpus|rows]`.

For each shipped net, each published pair of files and each row of the table of cases: the largest
difference to ONNX Runtime and to PyTorch over 64 inputs (a row has its own), of the values before
the softmax, relative to the largest of them, and of the probabilities; of networks with more than
1.5 billion multiply-adds over as many inputs as MOST allows.  Weights are random and
scaled layer by layer; the norms' `scale` is raised, so that their sums count.  What has no form is
printed with the reason.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
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
    sensitive,
)
from tests.support.paths import CORPUS
from tests.support.rows import network_of

INPUTS, FEW = 64, 4
MOST = 100e9  # multiply-adds of a network's inputs together
HEAD = "values: onnx    torch    probabilities: onnx    torch    largest  seconds"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", help="nets, corpus, rows; all by default")
    options.add_argument("--only", default="", help="names that hold this text")
    options.add_argument("--inputs", type=int, default=INPUTS, help="of whole nets; default 64")
    given = options.parse_args()
    good = True
    for title, lines in (("nets", _nets), ("corpus", _corpus), ("rows", _rows)):
        if not given.what or title in given.what:
            print(f"\n{title}\n{'':60} {HEAD}")
            for name, make in lines(given.inputs):
                if given.only in name:
                    good = _line(name, make) and good
    return 0 if good else 1


def _line(name, make) -> bool:
    """Print a line; return whether the differences are within the limit."""
    started = time.perf_counter()
    try:
        network, data, layers = make()
        with tempfile.TemporaryDirectory() as folder:
            found = compare(network, data, (*layers[0], *layers[1]), Path(folder))
    except ConvnetError as reason:
        print(f"{name:60} refused: {str(reason).splitlines()[0]}", flush=True)
        return True
    seconds = time.perf_counter() - started
    values = [max((f[n].relative for n in layers[0]), default=0.0) for f in found]
    shown = f"{values[0]:12.1e} {values[1]:8.1e}"
    chances = [max((f[n].largest for n in layers[1]), default=None) for f in found]
    if layers[1]:
        top = max(float(network.output(n).max()) for n in layers[1])
        shown += f"{chances[0]:20.1e} {chances[1]:8.1e} {top:10.3f}"
    else:
        shown += f"{'-':>20} {'-':>8} {'-':>10}"
    within = max(values) <= LIMIT and max(c or 0.0 for c in chances) <= LIMIT
    print(f"{name:60} {shown} {seconds:8.1f}{'' if within else '  OVER THE LIMIT'}", flush=True)
    return within


def _nets(inputs) -> Iterator[tuple]:
    for net in nets.shipped():
        specs = Specs.read(net.layers, net.params)
        yield net.name, lambda s=specs: _whole(build(s.layers, s.params, s.problems), inputs)


def _corpus(inputs) -> Iterator[tuple]:
    path = CORPUS / "expected.jsonl"
    if not path.exists():
        print(f"skipped: there is no corpus of published files at {CORPUS}")
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        yield name_of(pair), lambda pair=pair: _whole(graph_of(pair), inputs)


def _rows(_) -> Iterator[tuple]:
    for row in CASES:
        yield row.name, lambda row=row: _row(row)


def _whole(graph, inputs):
    """A network of a graph, with weights, after a run on random data."""
    each = sum(node.layer.multiply_adds() for node in graph.nodes)
    inputs = max(FEW, min(inputs, int(MOST / each)))
    layers = compared_layers(graph)
    sensitive(graph)
    for node in graph.nodes:
        if len(node.devices) > 1:
            node.devices = (0,)  # else only the last microbatch of an inner layer's values is kept
    network = Network(graph, inputs, Engine(np.float32))
    data = random_data(graph, inputs)
    draw_weights(network, {index: np.ascontiguousarray(m[:, :FEW]) for index, m in data.items()})
    network.load(data)
    network.run("test")
    return network, data, layers


def _row(row):
    network = network_of(row, np.float32)
    network.run("test")
    is_cost = network.graph.node(row.last()).is_cost
    layers = compared_layers(network.graph) if is_cost else ([row.last()], [])
    return network, row.matrices(), layers


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
