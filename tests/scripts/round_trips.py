"""Networks exported and imported again: `python -m tests.scripts.round_trips [nets|corpus|rows]`.

For each shipped net, each network of the published files (../shared/corpus or CONVNET_CORPUS) and
each row of the table of cases, in each format: "same" if the imported network computes the same
values in every layer, bit for bit; else the layers that differ, or why there is no such file.  The
last columns take the weights as those of any framework, by names alone, into the same network.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from convnet import nets
from convnet.backends.cpu.engine import Engine
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from tests.scripts.corpus_table import graph_of, name_of
from tests.scripts.export_table import random_data
from tests.support.cases import CASES
from tests.support.exported import draw_weights
from tests.support.paths import CORPUS
from tests.support.round_trips import FORMATS, differing, of_file, taken, written
from tests.support.rows import network_of

FEW = 2
COLUMNS = [*FORMATS, *(f"{form}, by name" for form in FORMATS)]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", help="nets, corpus, rows; all by default")
    options.add_argument("--only", default="", help="names that hold this text")
    given = options.parse_args()
    counts: Counter = Counter()
    for title, makers in (("nets", _nets), ("corpus", _corpus), ("rows", _rows)):
        if not given.what or title in given.what:
            print(f"\n{title:58}  {'  '.join(COLUMNS)}")
            for name, make in makers():
                if given.only in name:
                    for column, found in zip(COLUMNS, _line(name, make), strict=True):
                        counts[title, column, found] += 1
    print()
    for (title, column, found), count in counts.items():
        print(f"{title:8} {column:22} {count:4}  {found}")
    return 1 if any(found.startswith("DIFFERS") for _, _, found in counts) else 0


def _line(name: str, make) -> list[str]:
    started = time.perf_counter()
    network, data = make()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            (Path(folder) / form).mkdir()
        paths = {form: _result(written, network, Path(folder) / form, form) for form in FORMATS}
        for again in (of_file, taken):
            second = network.minibatch if again is of_file else network
            for path in paths.values():
                if isinstance(path, str):
                    found.append(path)
                else:
                    other = _result(again, path, second)
                    found.append(other if isinstance(other, str) else _same(network, other, data))
    widths = [max(4, len(column)) for column in COLUMNS]
    shown = "  ".join(f"{t.partition(':')[0]:{w}}" for t, w in zip(found, widths, strict=True))
    print(f"{name:58}  {shown}  {time.perf_counter() - started:.0f} s", flush=True)
    return found


def _result(function, *arguments):
    """What a function returns, or why it refuses."""
    try:
        return function(*arguments)
    except ConvnetError as reason:
        return f"refused: {str(reason).splitlines()[0].rpartition(': ')[2]}"
    except AssertionError:
        return "in part: some layers are no convolutions or full connections of one input"


def _same(network, other, data) -> str:
    layers = differing(network, other, data)
    return f"DIFFERS: {', '.join(layers)}" if layers else "same"


def _nets():
    for net in nets.shipped():
        specs = Specs.read(net.layers, net.params)
        graph = build(specs.layers, specs.params, specs.problems)
        yield net.name, lambda graph=graph: _whole(graph)


def _corpus():
    """Each network of the published files once, with the first of its parameter files."""
    path, seen = CORPUS / "expected.jsonl", set()
    if not path.exists():
        sys.exit(f"there are no published files in {CORPUS}; CONVNET_CORPUS names their folder")
    for line in path.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        digest = hashlib.sha256((CORPUS / pair["layers"]).read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            yield name_of(pair), lambda pair=pair: _whole(graph_of(pair))


def _rows():
    for row in CASES:
        yield row.name, lambda row=row: _row(row)


def _whole(graph):
    network, data = Network(graph, FEW, Engine(np.float32)), random_data(graph, FEW)
    draw_weights(network, data)
    return network, data


def _row(row):
    network = network_of(row, np.float32)
    network.run("test")
    return network, {index: np.float32(values) for index, values in row.matrices().items()}


if __name__ == "__main__":
    sys.exit(main())
