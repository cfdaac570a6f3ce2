"""What follows the gradient: constraints, frozen arrays, shared weights with rates of their own."""

import numpy as np
import pytest

import tests.support.reference as ref
from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.network.network import Network
from tests.layers.test_layers import difference
from tests.support.rows import Row, network_of, poison, texts

CONV = "type=conv inputs=x channels=4 filters=6 filterSize=3"
LAYERS = {
    "conv": f"y {CONV}",
    "local": "y type=local inputs=x channels=4 filters=4 filterSize=3 stride=2",
    "fc": "y type=fc inputs=x outputs=5",
}


def in_dialect(row, dialect):
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in texts(row)]
    graph = build(*files, problems, data_dims=row.data_dims(), dialect=dialect)
    network = Network(graph, row.cases, Engine(np.float64))
    rng = np.random.default_rng(4)
    for parameter in network.parameters.values():
        # filters of very different sizes, below and above any limit
        scale = np.geomspace(0.01, 3, parameter.spec.blocks[2])
        scale = scale if len(parameter.spec.shape) > 2 else 1.0
        network.write(parameter, scale * rng.standard_normal(parameter.spec.shape))
    poison(network)
    network.load(row.matrices())
    return network


def stepped(network, name="y.weights.0", rate=0.1, momentum=0.9, decay=0.01):
    """(weights after a training step, the same by the reference's update, without constraints)."""
    parameter = network.parameters[name]
    before = network.read(parameter)
    network.set_rates(0)
    network.run("train")
    gradient = network.read_gradient(parameter)
    w, _ = ref.update(before, 0.0, gradient, network.cases, rate, momentum, decay)
    return network.read(parameter), w


@pytest.mark.parametrize("dialect", ["chm", "cc2"])
@pytest.mark.parametrize("kind", LAYERS)
def test_wball(kind, dialect):
    ball = 0.03 if dialect == "chm" else 1.2
    row = Row(f"wball {kind}", LAYERS[kind], f"y wball={ball}")
    found, free = stepped(in_dialect(row, dialect))
    expected = ref.wball(free, ball, kind, dialect)
    assert difference(expected, free) > 0.1
    assert difference(found, expected) < 1e-12


@pytest.mark.parametrize("low, high", [(0.02, 0.05), (0, 0.03)])
def test_wcnorm_then_wball(low, high):
    row = Row("wcnorm", LAYERS["conv"], f"y wcNormMin={low} wcNormMax={high} wball=0.03")
    found, free = stepped(in_dialect(row, "chm"))
    contrasted = ref.wcnorm(free, low, high)
    expected = ref.wball(contrasted, 0.03, "conv", "chm")
    assert difference(contrasted, free) > 0.1 and difference(expected, contrasted) > 0.01
    assert difference(found, expected) < 1e-12


def test_base_rate_zero_freezes():
    """No decay and no constraint either; the layer below still learns."""
    layers = "a type=fc inputs=x outputs=4\ny type=fc inputs=a outputs=5"
    network = in_dialect(Row("frozen", layers, "y epsW=0 epsB=0 wc=0.5 wball=0.001"), "chm")
    before = {name: network.read(p) for name, p in network.parameters.items()}
    network.set_rates(0)
    network.run("train")
    moved = {n for n, p in network.parameters.items() if (network.read(p) != before[n]).any()}
    assert moved == {"a.weights.0", "a.biases", "readout.weights.0", "readout.biases"}


def test_nothing_is_sent_below_the_lowest_layer_that_learns():
    layers = (
        "a type=fc inputs=x outputs=4\nb type=fc inputs=a outputs=4\ny type=fc inputs=b outputs=5"
    )
    row = Row("cut", layers, "a epsW=0 epsB=0\nb epsW=0 epsB=0.1")
    plan = in_dialect(row, None).plan
    backward = [str(step) for step in plan.programs["train"] if step.phase == "backward"]
    assert [line for line in backward if "b.biases.gradient" in line]
    assert not [line for line in backward if "a." in line or "b.weights" in line]


@pytest.mark.parametrize("dialect, factor", [("cc1", 3.0), ("chm", 1.0)])
def test_users_of_shared_conv_weights(dialect, factor):
    """cuda-convnet 1 scales a user's gradient by its rate; for conv the 2012 source does not."""
    layers = f"y {CONV}\nz {CONV} weightSource=y\ns type=eltsum inputs=y,z coeffs=1,-2"
    together = in_dialect(Row("shared", layers, "y epsW=0.1\nz epsW=0.3"), dialect)
    apart = in_dialect(Row("shared", layers.replace(" weightSource=y", "")), dialect)
    apart.write(apart.parameters["z.weights.0"], together.read(together.parameters["y.weights.0"]))
    for name in apart.parameters.keys() & together.parameters.keys():
        apart.write(apart.parameters[name], together.read(together.parameters[name]))
    before = together.read(together.parameters["y.weights.0"])
    apart.run("gradients")
    first, second = (apart.read_gradient(apart.parameters[f"{n}.weights.0"]) for n in "yz")
    together.set_rates(0)
    together.run("train")
    total = first + factor * second
    expected, _ = ref.update(before, 0.0, total, together.cases, 0.1, 0.9, 0.01)
    assert difference(together.read(together.parameters["y.weights.0"]), expected) < 1e-12


def test_a_user_with_rate_zero_contributes_nothing():
    layers = f"y {CONV}\nz {CONV} weightSource=y\ns type=eltsum inputs=y,z"
    network = network_of(Row("user", layers, "z epsW=0"))
    network.run("gradients")
    alone = network_of(Row("user", layers.replace(" weightSource=y", ""), "z epsW=0"))
    for name in alone.parameters:
        source = network.parameters.get(name) or network.parameters["y.weights.0"]
        alone.write(alone.parameters[name], network.read(source))
    alone.load(Row("user", layers).matrices())
    alone.run("gradients")
    gradients = [n.read_gradient(n.parameters["y.weights.0"]) for n in (network, alone)]
    assert difference(*gradients) < 1e-12


def super_eps(dialect, steps=3):
    """(network, what the reference expects of its arrays) after steps with superEps."""
    layers = f"c {CONV}\ny type=fc inputs=c outputs=5"
    row = Row("superEps", layers, "c superEps=400 momW=0.7\ny superEps=900")
    network = in_dialect(row, dialect)
    expected = {name: network.read(p) for name, p in network.parameters.items()}
    state = {name: (0.0, 0.0, 0.0) for name in expected}
    rates = {"weights": (0.1, 0.9, 0.01), "biases": (0.2, 0.8, 0.0)}
    for _ in range(steps):
        network.set_rates(0)
        network.run("train")
        for name in expected:
            layer, kind = name.split(".")[:2]
            rate, momentum, decay = rates[kind]
            momentum = 0.7 if name == "c.weights.0" else momentum
            arguments = network.read_gradient(network.parameters[name]), network.cases
            if layer == "readout" or dialect == "cc2":
                v = state[name][0]
                expected[name], v = ref.update(expected[name], v, *arguments, rate, momentum, decay)
                state[name] = v, 0.0, 0.0
            else:
                expected[name], state[name] = ref.update_by_deviation(
                    expected[name], state[name], *arguments, rate, momentum, decay,
                    {"c": 400, "y": 900}[layer],
                )  # fmt: skip
    return network, expected


@pytest.mark.parametrize("dialect", ["chm", "cc2", "convnet"])
def test_super_eps(dialect):
    """cuda-convnet2 reads the key and ignores it."""
    network, expected = super_eps(dialect)
    for name, values in expected.items():
        assert difference(network.read(network.parameters[name]), values) < 1e-11, name
        assert bool(network.parameters[name].moments) == (
            dialect != "cc2" and not name.startswith("readout")
        )
