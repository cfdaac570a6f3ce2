"""The rows of `describe --json`: for published pairs they are what the original systems report."""

import json
from pathlib import Path

import pytest

from convnet.graph.build import build
from convnet.graph.infer_inputs import placeholder_tree
from convnet.graph.summary import layer_rows, neuron_text, parameter_count, totals
from convnet.language import Problems, Source, parse, read_source
from tests.support.paths import CORPUS, ROOT

LAYERS = ROOT / "layers"


def expected_pairs():
    path = CORPUS / "expected.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def graph_of(layers, params=None, **facts):
    problems = Problems()
    files = [parse(source, problems) if source else None for source in (layers, params)]
    return build(*files, problems, **facts)


def published(pair, **facts):
    layers = read_source(CORPUS / pair["layers"])
    return graph_of(
        layers,
        read_source(CORPUS / pair["params"]),
        data_dims={int(index): rows for index, rows in pair["data_dims"].items()},
        classes=pair["num_classes"],
        tree=placeholder_tree(parse(layers, Problems()), pair["num_classes"])[0],
        **facts,
    )


PAIRS = expected_pairs()
with_corpus = pytest.mark.skipif(not PAIRS, reason=f"no corpus of published files at {CORPUS}")


@with_corpus
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p['layers']}+{Path(p['params']).name}")
def test_published_pair(pair):
    graph = published(pair, dialect=pair["dialect"])
    rows = json.loads(json.dumps(layer_rows(graph)))
    assert [row["name"] for row in rows] == [row["name"] for row in pair["expected"]]
    for row, expected in zip(rows, pair["expected"], strict=True):
        assert {key: row.get(key) for key in expected} == expected
        assert row.get("neuron") == expected.get("neuron")
        assert set(row.get("learning", {})) == set(expected.get("learning", {}))


@with_corpus
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p['layers']}+{Path(p['params']).name}")
def test_published_pair_without_its_dialect(pair):
    """As above, but where the original reports no devices, ours reports one."""
    for row, expected in zip(layer_rows(published(pair)), pair["expected"], strict=True):
        row = json.loads(json.dumps(row))
        learning = expected.get("learning", {})
        assert {key: row["learning"][key] for key in learning} == learning
        expected = {key: value for key, value in expected.items() if key != "learning"}
        if not expected["devices"]:
            del expected["devices"]
        assert {key: row.get(key) for key in expected} == expected


@with_corpus
def test_the_dialect_of_published_pairs_is_recognized():
    wrong = []
    for pair in PAIRS:
        graph = published(pair)
        # keys and sections that no system reads
        odd = ("'wcnorm'", "'sched'", "'topk'", "is not a layer of")
        assert all(any(part in w.message for part in odd) for w in graph.warnings)
        if graph.dialect.name != pair["dialect"]:
            wrong.append(pair["layers"])
    # These four bear no mark of the 2012 source: they read the same in cuda-convnet 1.
    assert all("chm/example-layers" in path for path in wrong) and len(wrong) <= 4
    assert len(PAIRS) >= 30


SHARED = """
[data]
type=data
dataIdx=0
imgSize=8
[a]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
padding=1
initW=0.1
neuron=tanh[1.5, 2]
gpu=0
[b]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
padding=1
initW=0.1
weightSource=a
gpu=0
[sum]
type=eltsum
inputs=a,b
gpu=1
[cost]
type=cost.sum2
inputs=sum
"""


def test_shared_weights_count_once():
    graph = graph_of(Source.from_text(SHARED))
    first, second = graph.node("a"), graph.node("b")
    assert (parameter_count(first), parameter_count(second)) == (4 * 27 + 4, 4)
    assert totals(graph) == {"parameters": 116, "operations": 2 * 64 * 108 + 0}


def test_rows_of_our_own_file():
    rows = {row["name"]: row for row in layer_rows(graph_of(Source.from_text(SHARED)))}
    assert rows["data"]["shape"] == [3, 8, 8] and rows["data"]["placed"] == "host"
    assert rows["data"]["devices"] == [] and rows["data"]["neuron"] is None
    assert rows["a"]["neuron"] == "tanh[1.5,2]" and rows["a"]["devices"] == [0]
    assert "weightSource" not in rows["a"] and rows["b"]["weightSource"] == ["a[0]"]
    assert rows["sum"]["inputs"] == ["a", "b"] and rows["sum"]["placed"] == [1]
    assert rows["cost"]["outputs"] == 0 and rows["cost"]["shape"] == []
    assert "learning" not in rows["a"]  # without a params file nothing is known of it


def test_a_neuron_layer_has_its_own_neuron_in_its_row():
    text = SHARED.replace("type=eltsum\ninputs=a,b", "type=neuron\nneuron=relu\ninputs=b") + (
        "[c2]\ntype=cost.sum2\ninputs=a\n"
    )
    graph = graph_of(Source.from_text(text))
    assert neuron_text(graph, graph.node("sum")) == "relu"
