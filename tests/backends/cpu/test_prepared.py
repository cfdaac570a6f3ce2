"""Weights that are kept in the form of a convolution: computed once, and never out of date."""

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.network.initialize import initial_values
from convnet.network.network import Network
from tests.support.small_nets import graph_of

LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[direct]
type=conv
inputs=data
channels=3
filters=16
filterSize=4
initW=0.1
[tiled]
type=conv
inputs=direct
channels=16
filters=32
filterSize=3
padding=1
initW=0.1
neuron=relu
[fc]
type=fc
inputs=tiled
outputs=10
initW=0.1
[probs]
type=softmax
inputs=fc
[cost]
type=cost.logreg
inputs=labels,probs
"""
RATES = "".join(
    f"[{name}]\nepsW={{{name}}}\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n"
    for name in ("direct", "tiled", "fc")
)
PARAMS = RATES + "[cost]\ncoeff=1\n"
CONVOLUTIONS = ("direct", "tiled")


def network_of(only_tests=True, seed=1, **rates):
    rates = dict.fromkeys(("direct", "tiled", "fc"), 0.1) | rates
    network = Network(
        graph_of(LAYERS, PARAMS.format(**rates), dims={0: 3 * 12 * 12, 1: 1}), 64, Engine(),
        seed=seed, only_tests=only_tests,
    )  # fmt: skip
    draw(network, seed)
    return network


def draw(network, seed):
    for parameter in network.parameters.values():
        network.write(parameter, initial_values(parameter, seed))


def batch(cases=64):
    rng = np.random.default_rng(cases)
    images = rng.standard_normal((3 * 12 * 12, cases), np.float32)
    return {0: images, 1: rng.integers(0, 10, (1, cases)).astype(np.float32)}


def scores(network, cases=64):
    network.load(batch(cases))
    network.run("test")
    return network.output("fc")


def preparing(network, cases=64, program="test"):
    """What is kept, by layer."""
    bound = network.program(program, cases).bound
    return {each.step.layer: each.prepared for each in bound if each.prepared is not None}


def test_filters_are_transformed_once():
    network = network_of()
    first = scores(network)
    kept = preparing(network)
    assert set(kept) == set(CONVOLUTIONS)
    for prepared in kept.values():
        prepared.memory[:] = 0  # would be filled again if the filters were
    assert not np.array_equal(scores(network), first)


def test_changed_weights_are_transformed_again():
    network = network_of()
    scores(network)
    draw(network, 2)
    np.testing.assert_array_equal(scores(network), scores(network_of(seed=2)))


def test_minibatches_of_other_sizes_use_the_same_memory():
    network = network_of()
    for cases in (64, 48, 64):
        np.testing.assert_array_equal(scores(network, cases), scores(network_of(), cases))
    first, second = preparing(network, 64), preparing(network, 48)
    assert all(first[name] is second[name] for name in CONVOLUTIONS)


def test_other_tiles_have_memory_of_their_own():
    """One case is computed directly, 64 by tiles."""
    network = network_of()
    for cases in (64, 1, 64):
        np.testing.assert_array_equal(scores(network, cases), scores(network_of(), cases))
    assert preparing(network, 64)["tiled"] is not preparing(network, 1)["tiled"]


def test_weights_in_training_are_not_kept():
    network = network_of(only_tests=False)
    assert not preparing(network) and not preparing(network, program="train")


def test_fixed_weights_are_kept_in_training_too():
    network, plain = (network_of(only_tests=False, direct=0) for _ in range(2))
    assert set(preparing(network, program="train")) == {"direct"}
    for _ in range(3):
        weights = plain.parameters["direct.weights.0"]
        plain.write(weights, plain.read(weights))  # so that nothing kept of them is used
        for each in (network, plain):
            each.load(batch())
            each.set_rates(0.0)
            each.run("train")
    np.testing.assert_array_equal(network.output("fc"), plain.output("fc"))


def test_the_numbers_are_those_of_a_network_that_keeps_nothing():
    np.testing.assert_array_equal(scores(network_of()), scores(network_of(only_tests=False)))
