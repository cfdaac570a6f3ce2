"""Products fused with their biases and neurons: which steps become one, and that numbers stay."""

import numpy as np
import pytest

from convnet.network import programs
from tests.support.cases import BY_NAME, CONV, LOCAL, MIXED
from tests.support.rows import Row, network_of

FC = "type=fc inputs=x outputs=5"
SFC = "type=sfc inputs=x outputs=2 parts=2"
TWO = ((4, 5, 5), (2, 5, 5))

FUSED = [
    Row("conv", f"y {CONV} neuron=relu"),
    Row("conv: two images", f"y {MIXED} groups=1,2 neuron=brelu[0.5]", shapes=TWO, cases=33),
    Row("conv: by tiles", "y type=conv inputs=x channels=16 filters=18 filterSize=3 padding=1 "
        "neuron=relu", shapes=((16, 5, 5),), cases=7),
    Row("conv: randSparse", f"y {CONV} groups=2 randSparse=1 neuron=tanh"),
    Row("local", f"y {LOCAL} neuron=logistic"),
    Row("fc", f"y {FC} neuron=relu"),
    Row("sfc", f"y {SFC} neuron=softrelu"),
]  # fmt: skip
BIASES_ONLY = [
    Row("no neuron", f"y {CONV}"),
    Row("a neuron that keeps its input", f"y {FC} neuron=square"),
    Row("a neuron beside another reader", f"a {FC}\nb type=neuron inputs=a neuron=relu\n"
        "y type=eltsum inputs=a,b"),
    Row("a neuron with a name", f"a {FC}\ny type=neuron inputs=a neuron=tanh"),
]  # fmt: skip


def over(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def operations(network, layer, program="train"):
    return [s.operation for s in network.plan.programs[program] if s.layer.startswith(layer)]


@over(FUSED)
def test_one_step_forward_and_one_for_the_slope(row):
    network = network_of(row)
    kind = row.lines()[-1][1]["type"]
    found = operations(network, "y")
    assert f"{kind}.forward_fused" in found and "neuron.backward_fused" in found
    assert not {"bias.forward", "neuron.forward", "bias.grad", "neuron.backward"} & set(found)
    assert operations(network, "y", "test")[-1] == f"{kind}.forward_fused"


@over(BIASES_ONLY)
def test_only_biases_are_fused(row):
    network = network_of(row)
    steps = [s for s in network.plan.programs["train"] if s.operation.endswith(".forward_fused")]
    assert all(step.arguments[-3] == "ident" for step in steps)
    found = [step.operation for step in network.plan.programs["train"]]
    assert "bias.forward" not in found and "neuron.backward_fused" not in found
    assert "bias.grad" in found


def test_unshared_biases_are_not_fused():
    network = network_of(BY_NAME["conv: unshared biases"])
    assert operations(network, "y")[:2] == ["conv.forward", "bias.forward"]


@over(FUSED + BIASES_ONLY)
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_numbers_are_those_of_the_separate_steps(row, real, monkeypatch):
    """The outputs bit for bit; sums of gradients may take another order."""
    found = run(network_of(row, real))
    monkeypatch.setattr(programs, "fuse", lambda steps: steps)
    expected = run(network_of(row, real))
    np.testing.assert_array_equal(found.pop("y"), expected.pop("y"))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def run(network):
    network.run("gradients")
    found = {name: network.read_gradient(p) for name, p in network.parameters.items()}
    return found | {"y": network.output("y")}
