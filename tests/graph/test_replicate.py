"""Files that become data parallel: devices in the text, the meaning unchanged."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.graph.replicate import replicate
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.network.network import Network
from tests.support.cases import CASES
from tests.support.rows import randomize, texts

LAYERS = """# a comment
[data]
type=data
dataIdx=0

[labels]
type=data
dataIdx=1

[fc1]   ; the only one
type=fc
inputs=data
outputs=3
initW=0.1
[probs]
type=softmax
inputs=fc1
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = "[fc1]\nepsW=0.1\nepsB=0.1\nmomW=0\nmomB=0\n[logprob]\ncoeff=1\n"


def specs_of(layers=LAYERS, params=PARAMS):
    return Specs.parse(Source.from_text(layers), Source.from_text(params))


def test_every_layer_but_data_gets_the_devices_and_all_else_stays():
    found, _ = replicate(specs_of(), 3)
    new = found.layers.source.text
    assert new.count("gpu=0,1,2\n") == 3
    assert new.replace("gpu=0,1,2\n", "") == LAYERS
    devices = {s.name: "gpu" in s.entries for s in found.layers.sections}
    assert devices == {"data": False, "labels": False} | dict.fromkeys(
        ("fc1", "probs", "logprob"), True
    )
    assert found.params.source.text == PARAMS


def test_one_replica_changes_nothing():
    specs = specs_of()
    assert replicate(specs, 1) == (specs, None)


@pytest.mark.parametrize(
    ("layers", "dialect"),
    [
        (LAYERS, "convnet"),  # devices alone would make it a file of cuda-convnet2
        (LAYERS.replace("[probs]", "[drop]\ntype=dropout2\ninputs=fc1\n[probs]"), "cc2"),
        (LAYERS + "[norm]\ntype=cmrnorm\nminDiv=2\ninputs=data\nchannels=3\nsize=3\n", "chm"),
    ],
)
def test_the_dialect_is_that_of_the_file(layers, dialect):
    assert replicate(specs_of(layers), 2)[1] == dialect


def test_a_file_of_the_first_systems_is_read_as_one_of_the_2012_source():
    conv = "[conv]\ntype=conv\ninputs=data\nchannels=1\nfilters=16\nfilterSize=2\npartialSum=1\n"
    assert replicate(specs_of(LAYERS + conv), 2)[1] == "chm"
    with pytest.raises(SpecError, match="read them with --dialect chm"):
        replicate(specs_of(LAYERS + conv), 2, "cc1")


def test_files_that_name_devices_are_refused_with_one_message():
    layers = LAYERS.replace("initW=0.1\n", "initW=0.1\ngpu=0\n") + "gpu=1\n"
    with pytest.raises(SpecError, match="fc1 is on device 0 by the file") as error:
        replicate(specs_of(layers), 2)
    assert len(error.value.problems) == 1 and error.value.problems[0].span.line == 15


def test_files_with_errors_are_left_to_the_reader():
    specs = specs_of(LAYERS + "nonsense\n")
    assert replicate(specs, 2) == (specs, None) and specs.problems.errors


def one_of_each_type(rows):
    """The first row of each layer type; `rand` pooling draws other numbers in each replica."""
    found = {}
    for row in rows:
        kind = row.lines()[0][1]["type"]
        if "gpu" not in row.layers and "rand" not in row.layers:
            found.setdefault(kind, row)
    return list(found.values())


@pytest.mark.parametrize("row", one_of_each_type(CASES), ids=lambda row: row.name)
def test_every_layer_type_can_be_replicated(row):
    """The same cost and gradients as on one device, five cases as three and two."""
    specs = specs_of(*texts(row))
    found = []
    for each, dialect in ((specs, None), replicate(specs, 2)):
        files = each.layers, each.params, each.problems
        facts = {"data_dims": row.data_dims(), "tree": row.tree}
        graph = build(*files, dialect=dialect, **facts)
        network = Network(graph, row.cases, Engine(np.float64), seed=1)
        randomize(network)
        network.load(row.matrices())
        network.run("gradients")
        gradients = [network.read_gradient(p) for p in network.plan.parameters if p.learns]
        found.append([*network.costs().values(), *gradients])
        assert network.plan.rounds.microbatches == len(found)
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-9, atol=1e-11)
