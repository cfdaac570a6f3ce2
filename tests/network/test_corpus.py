"""Published pairs of files run: all are planned, and those of small images train a minibatch.

What the files mean is compared in test_summary.py.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.graph.guess_sizes import infer_dims
from convnet.graph.infer_inputs import placeholder_tree
from convnet.graph.place import copies
from convnet.language import Problems, parse, read_source
from convnet.network.network import Network
from convnet.network.partitions import ONE_EACH
from convnet.network.planner import make_plan
from tests.support.paths import CORPUS
from tests.support.rows import poison

PATH = CORPUS / "expected.jsonl"
if not PATH.exists():
    pytest.skip(
        f"no corpus of published files at {CORPUS}; CONVNET_CORPUS names its folder",
        allow_module_level=True,
    )

PAIRS = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
SPREAD = [p for p in PAIRS if any(len(row["devices"]) > 1 for row in p["expected"])]  # replicas
PLACED = [p for p in PAIRS if p not in SPREAD]
SMALL = [p for p in PAIRS if p["img_size"] <= 32]
CASES = 4


def over(pairs):
    names = [f"{p['layers']}+{Path(p['params']).name}" for p in pairs]
    return pytest.mark.parametrize("pair", pairs, ids=names)


def graph_of(pair):
    problems = Problems()
    files = [parse(read_source(CORPUS / pair[key]), problems) for key in ("layers", "params")]
    dims = {int(index): rows for index, rows in pair["data_dims"].items()}
    classes = pair["num_classes"]
    facts = {"data_dims": dims, "classes": classes, "tree": placeholder_tree(files[0], classes)[0]}
    return build(*files, problems, dialect=pair["dialect"], **facts)


def test_the_corpus_is_whole():
    assert len(PAIRS) == 61 and len(SMALL) == 13 and len(SPREAD) == 1


def _base(rate):
    return rate["params"]["base"] if isinstance(rate, dict) else rate


@over(PAIRS)
def test_sizes_are_found_without_data(pair):
    """`convnet check` and `describe` of a file that does not tell the size of its images."""
    problems = Problems()
    files = [parse(read_source(CORPUS / pair[key]), problems) for key in ("layers", "params")]
    dims, note = infer_dims(files[0], None, None)
    build(*files, problems, data_dims=dims, tree=placeholder_tree(files[0], None)[0])
    assert "--data-dims" in note
    if pair["img_size"] == 224:
        assert dims[0] == pair["data_dims"]["0"]


@over(PLACED)
def test_plan(pair):
    """Copies lead from a layer's device to those of its readers, once each."""
    graph = graph_of(pair)
    plan = make_plan(graph, 128)
    expected = {row["name"]: row for row in pair["expected"]}
    wanted = set()
    for row in pair["expected"]:
        for name in row["inputs"]:
            here, there = (expected[n]["devices"] or [0] for n in (row["name"], name))
            is_data = expected[name]["type"] == "data"
            if is_data or here != there:
                wanted.add((name, here[0]))
    found = [((u.node.declared_in or u.node).name, u.device) for u in copies(plan.units)]
    assert sorted(found) == sorted(wanted)
    for parameter in plan.parameters:
        learning = expected[parameter.unit.name]["learning"]
        key, index = ("epsB", ...) if parameter.index is None else ("epsW", parameter.index)
        rate = learning[key] if index is ... else learning[key][index]
        assert parameter.learns == (_base(rate) > 0), parameter.name
    assert len(plan.costs) == sum(row["type"].startswith("cost.") for row in pair["expected"])


@over(SPREAD)
def test_plan_of_replicas(pair):
    """One copy of the weights on each device, and gradients that come together in partitions."""
    plan = make_plan(graph_of(pair), 128)
    count = plan.rounds.microbatches
    assert count == max(len(row["devices"]) for row in pair["expected"])
    assert all(len(parameter.replicas) == count - 1 for parameter in plan.parameters)
    sums = [s for s in plan.programs["train"] if s.operation == "transfer.copy"]
    partitions = sum(len(parameter.partitions) for parameter in plan.parameters)
    assert len([s for s in sums if s.phase == "update"]) == 2 * (count - 1) * partitions
    large = [p for p in plan.parameters if p.learns and p.spec.size > count * ONE_EACH.rows]
    assert large and all(len(parameter.partitions) == count for parameter in large)


@over(SMALL)
def test_one_minibatch(pair):
    """The cost begins at that of guessing; all that has a rate learns, and nothing else."""
    graph = graph_of(pair)
    network = Network(graph, CASES, Engine(np.float32), seed=1)
    poison(network)
    rng = np.random.default_rng(2)
    pixels = 50 * rng.standard_normal((pair["data_dims"]["0"], CASES))
    labels = rng.integers(0, pair["num_classes"], (1, CASES))
    network.load({0: pixels, 1: labels})
    before = {name: network.read(p) for name, p in network.parameters.items()}
    network.set_rates(0, rng.standard_normal)
    network.run("train")
    (cost,) = network.costs().values()
    if ".gc." not in pair["layers"]:  # those begin with large weights, to check gradients
        assert cost[0] / CASES == pytest.approx(math.log(pair["num_classes"]), rel=0.3)
    assert np.isfinite(cost).all()
    for name, parameter in network.parameters.items():
        after = network.read(parameter)
        assert np.isfinite(after).all()
        assert (after != before[name]).any() == parameter.learns, name  # as it should: test_plan
    network.run("test")
    (tested,) = network.costs().values()
    assert np.isfinite(tested).all()
