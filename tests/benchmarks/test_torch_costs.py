"""benchmarks.torch_costs: a narrow AlexNet has PyTorch's costs, and a wrong rate would show."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[test]")

from benchmarks import torch_costs  # noqa: E402
from convnet.backends.cpu.engine import Engine  # noqa: E402
from convnet.network.network import Network  # noqa: E402

DATA = "shapes:side=256,classes=8,train=24,test=8"
NARROW = 8  # normalization needs five maps


def test_the_widths_are_divided_and_dropout_is_off():
    graph = torch_costs.graph_of(8, NARROW)
    layers = {node.name: node for node in graph.declared()}
    assert layers["conv1b"].shape.channels == 6 and layers["conv3a"].shape.channels == 24
    assert (layers["fc7b"].shape.size, layers["fc8"].shape.size) == (256, 8)
    assert layers["data"].shape.channels == 3 and graph.device_count == 2
    assert not any(layers[f"drop{name}"].layer.enable for name in ("6a", "6b", "7a", "7b"))


def test_costs_in_double_precision_are_the_same():
    found = torch_costs.compared(DATA, 5, 8, "float64", NARROW)
    assert np.ptp(found.ours) > 1e-3  # they change from step to step
    np.testing.assert_allclose(found.ours, found.torch, rtol=1e-12)
    assert not found.torch_double and "largest difference" in found.lines()[1]


def test_a_wrong_rate_would_show():
    """Of weights of the first layer, whose gradient has passed all other layers."""
    graph = torch_costs.graph_of(8, NARROW)
    network = Network(graph, 8, Engine(np.float64), seed=5)
    torch_costs.draw_weights(network)
    rival = torch_costs.InTorch(network, "float64")
    names = [name for name, _ in rival.net.named_parameters()]
    rival.optimizer.param_groups[names.index("conv1a.weight")]["lr"] *= 2
    gaps = [
        abs(torch_costs.our_step(network, *batch) - rival.step(*batch))
        for batch in torch_costs.minibatches(DATA, 8, 5)
    ]
    assert gaps[0] < 1e-12 and gaps[-1] > 1e-10
