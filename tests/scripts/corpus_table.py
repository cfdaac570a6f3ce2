"""Every published pair of files, run as it is: `make corpus`, or `python tests/corpus_table.py`.

For each pair: parsed, the same graph as expected.jsonl, one training step in float32, gradients in
float64 along a direction in which every parameter array has a part.  Sizes of images are the files'
own.  The folder is ../shared/corpus beside the repository, or CONVNET_CORPUS.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.commands.checking.gradients import draw_sensitive, random_data
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.graph.infer_inputs import placeholder_tree
from convnet.graph.summary import layer_rows
from convnet.language import Problems, parse, read_source
from convnet.network.network import Network
from tests.support.paths import CORPUS

CASES = 2
STEPS = (1e-5, 1e-6, 1e-7, 1e-8)  # a kink (relu, max) within one is not within the next
# Relative error of a gradient along a direction.  Nets with cnorm layers are within it too, though
# these take their mean as a constant, as published: with the files' scales it hardly matters.
LIMIT = 1e-5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="pairs whose path holds this text")
    wanted = options.parse_args().only
    path = CORPUS / "expected.jsonl"
    if not path.exists():
        print(f"skipped: there is no corpus of published files at {CORPUS}")
        return 0
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [pair for pair in pairs if wanted in pair["layers"]]
    width = max(len(name_of(pair)) for pair in pairs)
    print(f"{'pair':{width}}  parsed  graph  step  gradients          error  seconds")
    totals = np.zeros(4, int)
    for pair in pairs:
        started = time.perf_counter()
        marks, error = judge(pair)
        totals += marks
        shown = "  ".join(
            f"{'yes' if m else 'NO':>{w}}" for m, w in zip(marks, (6, 5, 4, 9), strict=True)
        )
        seconds = time.perf_counter() - started
        print(f"{name_of(pair):{width}}  {shown}  {error:>13}  {seconds:7.1f}", flush=True)
    counts = "  ".join(f"{t:>{w}}" for t, w in zip(totals, (6, 5, 4, 9), strict=True))
    print(f"{f'of {len(pairs)}':{width}}  {counts}")
    return 0 if (totals == len(pairs)).all() else 1


def name_of(pair) -> str:
    return f"{pair['layers']} + {Path(pair['params']).name}"


def judge(pair):
    """([parsed, same graph, step, gradients], the gradients' error or what went wrong)"""
    marks = [False] * 4
    try:
        graph = graph_of(pair)
        marks[0] = True
        marks[1] = is_expected(graph, pair)
        marks[2] = makes_a_step(graph)
        error = gradient_error(graph)
        marks[3] = error < LIMIT
        return marks, f"{error:.1e}"
    except ConvnetError as error:
        return marks, str(error).splitlines()[0][:60]


def graph_of(pair):
    problems = Problems()
    files = [parse(read_source(CORPUS / pair[key]), problems) for key in ("layers", "params")]
    dims = {int(index): rows for index, rows in pair["data_dims"].items()}
    classes = pair["num_classes"]
    facts = {"data_dims": dims, "classes": classes, "tree": placeholder_tree(files[0], classes)[0]}
    return build(*files, problems, dialect=pair["dialect"], **facts)


def is_expected(graph, pair) -> bool:
    rows = json.loads(json.dumps(layer_rows(graph)))
    if [row["name"] for row in rows] != [row["name"] for row in pair["expected"]]:
        return False
    return all(
        row.get(key) == value or (key == "weights" and wanted["type"] == "treefc")
        for row, wanted in zip(rows, pair["expected"], strict=True)
        for key, value in wanted.items()
    )


def makes_a_step(graph) -> bool:
    """A training step with finite costs, after which what learns has moved and all is finite."""
    network = Network(graph, CASES, Engine(np.float32), seed=1)
    data = random_data(graph, CASES, 2)
    network.load(data)
    network.set_rates(0, np.random.default_rng(3).standard_normal)
    trained = [p for p in network.plan.parameters if p.learns]
    before = [checksum(network.read(p)) for p in trained]
    for _ in range(network.plan.variants):
        network.run("train")
    costs = [math.isfinite(v) for values in network.costs().values() for v in values[:1]]
    after = [checksum(network.read(p)) for p in trained]
    moved = [a != b and np.isfinite(a) for a, b in zip(before, after, strict=True)]
    return all(costs) and (all(moved) if trained else True)


def checksum(array) -> float:
    return float(np.abs(array.astype(np.float64)).sum())


def gradient_error(graph) -> float:
    """Along one direction of all parameters at once, in which each array has an equal part."""
    network = Network(graph, CASES, Engine(np.float64), seed=1, train_all=True)
    network.load(random_data(graph, CASES, 2))
    draw_sensitive(network, 2)
    if any(node.layer.type_name == "cost.crossent2" for node in graph.nodes):
        for parameter in network.plan.parameters:  # logistic outputs must not saturate
            network.write(parameter, network.read(parameter) / 2)
    network.run("gradients")
    trained = [p for p in network.plan.parameters if p.learns]
    values = [network.read(p) for p in trained]
    directions, parts = directions_of([network.read_gradient(p) for p in trained])
    analytic, best = sum(parts), math.inf
    for step in STEPS:
        costs = []
        for sign in (step, -step):
            for parameter, value, direction in zip(trained, values, directions, strict=True):
                network.write(parameter, value + sign * direction)
            network.run("test")
            costs.append(network.objective())
        numeric = (costs[0] - costs[1]) / (2 * step)
        best = min(best, abs(numeric - analytic) / abs(analytic))
        if best < LIMIT / 10:
            break
    return best


def directions_of(gradients):
    """(directions, slopes along them), the slopes of one size as far as that can be had.

    Half of each direction is the gradient's own, so that slopes stand out from the cost's rounding.
    """
    rng = np.random.default_rng(4)
    units = [unit(g) + unit(rng.standard_normal(g.shape)) for g in gradients]
    slopes = [float((g * u).sum()) for g, u in zip(gradients, units, strict=True)]
    size = float(np.median(np.abs(slopes)))
    scales = [np.sign(s) * min(size / max(abs(s), 1e-30), 100.0) for s in slopes]
    directions = [u * scale for u, scale in zip(units, scales, strict=True)]
    return directions, [s * scale for s, scale in zip(slopes, scales, strict=True)]


def unit(array):
    return array / max(np.linalg.norm(array), 1e-300)


if __name__ == "__main__":
    sys.exit(main())
