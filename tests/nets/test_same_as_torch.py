"""The shipped networks of other authors compute what their published definitions compute.

Narrow ones: an eighth of every width, in float64, on images of the full size and of raw pixels, so
that the sums of the norms are as large as their constants.
"""

import numpy as np
import pytest
import torch

from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.network.network import Network
from tests.support.paths import ROOT
from tests.support.torch_nets import DIVIDED, NETS, narrow

CASES = 2
SAME = 1e-12  # of a probability; in float32 they agree to 1e-6


def network_of(name: str) -> Network:
    problems = Problems()
    layers = narrow((ROOT / f"layers/{name}.cfg").read_text())
    params = (ROOT / f"params/{name}.params").read_text()
    files = [parse(Source.from_text(text, name), problems) for text in (layers, params)]
    graph = build(*files, problems)
    problems.raise_errors()
    return Network(graph, CASES, Engine(np.float64))


def write_weights(network: Network, module: torch.nn.Module) -> None:
    """Give both the same weights, layer by layer in their order."""
    rng = np.random.default_rng(1)
    theirs = [m for m in module if hasattr(m, "weight")]
    ours = [n for n in network.graph.declared() if n.layer.weights()]
    assert len(theirs) == len(ours)
    parameters = network.parameters
    for layer, node in zip(theirs, ours, strict=True):
        shape, last = tuple(layer.weight.shape), layer is theirs[-1]
        weights = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        biases = 10 * rng.standard_normal(shape[0])
        if last:  # values below the softmax of deviation 1 or so
            weights, biases = weights / 60, biases / 60
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights))
            layer.bias.copy_(torch.from_numpy(biases))
        own = np.moveaxis(weights, 0, -1) if weights.ndim == 4 else weights
        network.write(parameters[f"{node.name}.weights.0"], own)
        biases = biases.reshape(network.read(parameters[f"{node.name}.biases"]).shape)
        network.write(parameters[f"{node.name}.biases"], biases)


@pytest.mark.parametrize("name", NETS)
def test_probabilities(name):
    network, module = network_of(name), NETS[name](DIVIDED).double().eval()
    write_weights(network, module)
    side = network.graph.node("data").shape[1]
    pixels = np.random.default_rng(2).uniform(0, 255, (CASES, 3, side, side)) - 115
    network.load({0: pixels.reshape(CASES, -1).T.copy(), 1: np.zeros((1, CASES))})
    network.run("test")
    with torch.no_grad():
        expected = module(torch.from_numpy(pixels)).softmax(1).numpy()
    assert 0.02 < expected.max() < 0.98  # else the probabilities would not tell
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    found = network.output("probs").reshape(-1, CASES).T
    assert np.abs(found - expected).max() < SAME
