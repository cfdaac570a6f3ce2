"""Which nodes are written, the inputs and outputs of the result, and what is refused."""

import numpy as np
import pytest

from convnet.errors import ConvnetError
from convnet.export.model import Model
from convnet.export.to_onnx.write import RULES, onnx_bytes
from convnet.export.to_torch.write import torch_module
from convnet.export.walk import walk
from convnet.stored.input_record import InputRecord
from tests.support.exported import compare, model_of
from tests.support.rows import Row, graph_of, network_of, texts

NEURON = "type=neuron inputs=a neuron"
TWO = Row("two", f"a type=fc inputs=x outputs=6 neuron=relu\nb {NEURON}=tanh\nc {NEURON}=abs\n"
    "y type=concat inputs=b,c")  # fmt: skip
HALF = Row("half", "a type=fc inputs=x outputs=6 gpu=0 neuron=tanh\nb type=fc inputs=a outputs=4 "
    "gpu=1\nc type=fc inputs=a outputs=3\ny type=concat inputs=b,c", "a quantF=half")  # fmt: skip


def walked(row, *outputs, types=RULES):
    graph = graph_of(*texts(row), row.data_dims(), row.tree)
    return walk(Model(graph, {}), outputs, types, "ONNX")


def names(nodes):
    return [node.name for node in nodes]


def test_all_that_the_outputs_need_is_written_in_order():
    assert names(walked(TWO).nodes) == ["a", "a_neuron", "b", "c", "y", "readout"]
    assert names(walked(TWO, "c").nodes) == ["a", "a_neuron", "c"]
    assert names(walked(TWO, "c").data) == ["x"]


def test_outputs_are_what_the_costs_read_or_what_is_named():
    assert list(walked(TWO).outputs) == ["readout"]
    found = walked(TWO, "c", "a").outputs
    assert {name: node.name for name, node in found.items()} == {"c": "c", "a": "a_neuron"}


@pytest.mark.parametrize("name", ["nowhere", "x", "total"])
def test_only_layers_with_values_of_their_own_can_be_named(name):
    with pytest.raises(ConvnetError) as error:
        walked(TWO, name)
    reason = "has values of its own; those that have are a, b, c, y, readout"
    assert str(error.value) == f"--output: no layer '{name}' {reason}"


def test_all_layers_without_a_form_are_named():
    noisy = Row("noisy", "a type=fc inputs=x outputs=9 neuron=nrelu\ny type=fc inputs=a outputs=2")
    with pytest.raises(ConvnetError) as error:
        walked(noisy, types={"neuron"})
    assert str(error.value).splitlines() == [
        "a: layers of type fc have no form in ONNX",
        "a: neuron=nrelu adds noise in tests too, which has no form in ONNX",
        "y: layers of type fc have no form in ONNX",
        "readout: layers of type fc have no form in ONNX",
    ]


def test_a_random_layer_that_no_output_needs_does_not_matter():
    row = Row("side", "a type=fc inputs=x outputs=4\nb type=neuron inputs=a neuron=nrelu\n"
        "y type=concat inputs=a,b")  # fmt: skip
    assert names(walked(row, "a").nodes) == ["a"]


# -- inputs ----------------------------------------------------------------------------------------


def dims_of(layers, size, record=None):
    front = "[p]\ntype=data\ndataIdx=0\n"
    back = "[f]\ntype=fc\ninputs=y\noutputs=2\ninitW=1\n[cost]\ntype=cost.sum2\ninputs=f\n"
    rates = "epsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n"
    params = f"[f]\n{rates}[y]\n{rates}[h]\n{rates}[cost]\ncoeff=1\n"
    graph = graph_of(front + layers + back, params, {0: size})
    return walk(Model(graph, {}, record), (), RULES, "ONNX").matrices[0].dims


def test_the_image_is_that_of_the_record_or_of_the_first_layer_that_sees_one():
    conv = "[y]\ntype=conv\ninputs=p\nchannels=3\nfilters=2\nfilterSize=2\ninitW=1\n"
    full = "[y]\ntype=fc\ninputs=p\noutputs=2\ninitW=1\n"
    pool = "[y]\ntype=pool\ninputs=p\npool=avg\nchannels=12\nsizeX=2\nstride=2\n"
    record = InputRecord(side=9, channels=3, inner_size=4, mean_kind="number")
    assert dims_of(conv, 48) == (3, 4, 4)
    assert dims_of(pool, 48) == (12, 2, 2)
    assert dims_of(full, 48) == (48,)
    assert dims_of(full, 48, record) == (3, 4, 4)
    above = "[h]\ntype=fc\ninputs=p\noutputs=48\ninitW=1\n" + conv.replace("inputs=p", "inputs=h")
    assert dims_of(above, 48) == (48,)  # the convolution does not read the data
    assert dims_of(full, 50, record) == (50,)


# -- devices ---------------------------------------------------------------------------------------


def test_a_copy_that_rounds_is_written(tmp_path):
    network = network_of(HALF, np.float32)
    network.run("test")
    for found in compare(network, HALF.matrices(), ("y", "a"), tmp_path):
        assert max(each.relative for each in found.values()) < 2e-6
    for write in (onnx_bytes, torch_module):
        assert _rounds(write(model_of(network)))
        assert not _rounds(write(model_of(network), ("c",)))


def _rounds(written):
    return b"Cast" in written if isinstance(written, bytes) else "float16" in written[0]


def test_a_copy_that_rounds_makes_a_difference(tmp_path):
    plain = Row(HALF.name, HALF.layers)
    rounded, exact = (network_of(row, np.float32) for row in (HALF, plain))
    for network in (rounded, exact):
        network.run("test")
    gap = np.abs(rounded.output("y") - exact.output("y"))
    assert gap[:4].max() > 1e-5 and gap[4:].max() == 0


def test_values_that_only_some_replicas_round_are_refused():
    row = Row("some", "a type=fc inputs=x outputs=6 gpu=0,1\ny type=fc inputs=a outputs=4 gpu=0",
        "a quantF=half")  # fmt: skip
    with pytest.raises(ConvnetError, match=r"^a: quantF=half rounds the values that go to y for"):
        walked(row)


def test_replicas_become_one_graph(tmp_path):
    row = Row(
        "replicas", "a type=fc inputs=x outputs=6 gpu=0,1\ny type=fc inputs=a outputs=4 gpu=0"
    )
    assert names(walked(row).nodes) == ["a", "y", "readout"]
