"""Every row of the table of cases, run by the CPU engine, against the float64 reference.

All memory that a step should write before it is read starts as NaN.
"""

import re

import numpy as np
import pytest

import tests.support.reference as ref
from convnet.language import Problems, Source, format_spec, parse
from tests.support import slow_network
from tests.support.cases import BY_NAME, CASES, RANDOM
from tests.support.rows import LABELS, TARGETS, graph_of, network_of, texts

EXACT = 1e-10
STEP = 1e-4


def over(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


ROWS = over(CASES)
SMOOTH_ROWS = over([row for row in CASES if row.differences])
FIXED_ROWS = over([row for row in CASES if row not in RANDOM])


def difference(found, expected) -> float:
    """The norm of the difference over the norm of what is expected."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    scale = max(np.linalg.norm(expected), 1e-3)
    return np.linalg.norm(found - expected) / scale


def agree(found, expected, tolerance):
    errors = {name: difference(found[name], expected[name]) for name in expected}
    # Asked so that NaN fails: it is not less than anything.
    assert not {name: error for name, error in errors.items() if not error < tolerance}


def results(network) -> dict[str, np.ndarray]:
    """All that a run of `gradients` leaves: outputs, costs, gradients of parameters and data."""
    network.run("gradients")
    found = {f"output of {n.name}": network.output(n.name) for n in network.graph.declared()
             if not n.is_cost}  # fmt: skip
    found |= {f"cost {name}": values for name, values in network.costs().items()}
    for name, parameter in network.parameters.items():
        found[f"gradient of {name}"] = network.read_gradient(parameter)
    for node in network.graph.nodes:
        if node.is_data:
            found[f"gradient of {node.name}"] = network.data_gradient(node.name)
    return found


def expected_results(network, matrices) -> dict[str, np.ndarray]:
    parameters = {name: network.read(p) for name, p in network.parameters.items()}
    tables = {n: network.engine.read(t.value, network.cases) for n, t in network.tables.items()}
    y, costs, gradients, data = slow_network.run(network.graph, parameters, matrices, tables)
    graph = network.graph
    found = {f"output of {n.name}": y[graph.end_of(n).name] for n in graph.declared()
             if not n.is_cost}  # fmt: skip
    found |= {f"cost {name}": np.array(values) for name, values in costs.items()}
    return found | {f"gradient of {k}": v for k, v in (gradients | data).items()}


@ROWS
@pytest.mark.parametrize("again", ["", "after", "before"], ids=["alone", "then 2nd", "2nd then"])
def test_against_the_reference(row, again):
    """Outputs, costs and gradients; with a second reader of the data, the sum of both gradients."""
    network = network_of(row, again=again)
    expected = expected_results(network, row.matrices())
    found = results(network)
    assert found.keys() == expected.keys()
    agree(found, expected, EXACT)


@SMOOTH_ROWS
def test_gradients_along_random_directions(row):
    """Central differences of fourth order in two directions through each array."""
    network = network_of(row)
    found = results(network)
    rng = np.random.default_rng(3)
    gradients = {name: found[f"gradient of {name}"] for name in network.parameters}
    gradients |= _matrix_gradients(network, row)
    for name, gradient in gradients.items():
        for _ in range(2):
            direction = rng.choice([-1.0, 1.0], gradient.shape) * rng.uniform(
                0.5, 1, gradient.shape
            )
            slope = _slope(network, row, name, direction)
            analytic = float(np.sum(gradient * direction))
            largest = np.linalg.norm(gradient) * np.linalg.norm(direction)
            scale = max(abs(slope), abs(analytic), 1e-3 * largest, 1e-9)
            assert abs(slope - analytic) / scale < 1e-6, (name, slope, analytic)


def _matrix_gradients(network, row):
    """dE by dataIdx, labels and targets aside: each sums over the layers that read it."""
    constant = (LABELS, TARGETS)
    gradients = {i: np.zeros(m.shape) for i, m in row.matrices().items() if i not in constant}
    for node in network.graph.nodes:
        if node.is_data and node.layer.data_idx in gradients:
            start, rows = node.layer.start, node.shape.size
            part = network.data_gradient(node.name).reshape(rows, -1)
            gradients[node.layer.data_idx][start : start + rows] += part
    return gradients


def _slope(network, row, name, direction):
    """(8 (E(+h) - E(-h)) - (E(+2h) - E(-2h))) / 12h, whose error is of order h^4."""
    move = STEP * direction
    e = {step: _objective(network, row, name, step * move) for step in (-2, -1, 1, 2)}
    return (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * STEP)


def _objective(network, row, name, move):
    """The objective with a parameter, or the data matrix of that index, moved."""
    parameter = network.parameters.get(name)
    if parameter is None:
        matrices = row.matrices()
        network.load(matrices | {name: matrices[name] + move})
        network.run("test")
        network.load(matrices)
    else:
        start = network.read(parameter)
        network.write(parameter, start + move)
        network.run("test")
        network.write(parameter, start)
    return network.objective()


@ROWS
def test_float32_follows_float64(row):
    exact = results(network_of(row))
    found = results(network_of(row, np.float32))
    agree(found, exact, row.tolerance)


@FIXED_ROWS
def test_two_training_steps_update_the_weights(row):
    """The update of every array, from the gradient of the same step (docs/dialect.md, 6.2)."""
    network = network_of(row)
    nominal = network.graph.dialect.name == "cc2"  # which divides by the whole minibatch
    divisor = network.minibatch if nominal else row.cases
    velocity = dict.fromkeys(network.parameters, 0.0)
    for _ in range(2):
        before = {name: network.read(p) for name, p in network.parameters.items()}
        network.set_rates(0)
        network.run("train")
        for name, parameter in network.parameters.items():
            gradient = network.read_gradient(parameter)
            rate, momentum, decay = (0.1, 0.9, 0.01) if "weights" in name else (0.2, 0.8, 0.0)
            of_tree = parameter.unit.layer.type_name == "treefc" and "weights" in name
            w, velocity[name] = (ref.tree_update if of_tree else ref.update)(
                before[name], velocity[name], gradient, divisor, rate, momentum, decay,
                *((row.tree.children, row.tree.root) if of_tree else ())
            )  # fmt: skip
            assert difference(network.read(parameter), w) < 1e-12, name


@FIXED_ROWS
def test_training_has_the_gradients_of_the_check(row):
    checked = results(network_of(row))
    network = network_of(row)
    network.run("train")
    for name, parameter in network.parameters.items():
        found, expected = network.read_gradient(parameter), checked[f"gradient of {name}"]
        assert difference(found, expected) < 1e-13, name


def one_row_for_each_type():
    """The first row that uses each layer type."""
    first = {}
    for row in CASES:
        for type_name in re.findall(r"^type=(\S+)", texts(row)[0], re.MULTILINE):
            first.setdefault(type_name, row.name)
    return [row for row in CASES if row.name in first.values()]


@over(one_row_for_each_type())
def test_spec_prints_and_parses_again(row):
    for text in texts(row):
        problems = Problems()
        spec = parse(Source.from_text(text), problems)
        assert parse(Source.from_text(format_spec(spec)), problems) == spec
        assert not problems.errors


def test_every_layer_type_and_neuron_has_a_row():
    from convnet.layers import LAYER_TYPES
    from convnet.layers.nonlinearity import NEURONS

    types, kinds = set(), set()
    for row in CASES:
        for node in graph_of(*texts(row), row.data_dims(), row.tree).nodes:
            types.add(node.layer.type_name)
            if node.layer.type_name == "neuron":
                kinds.add(node.layer.nonlinearity.kind)
    assert set(LAYER_TYPES) <= types
    assert set(NEURONS) - {"nrelu"} == kinds  # nrelu is random: test_layers_random.py


@pytest.mark.parametrize("name, fused", [("logreg: fused", True), ("logreg: not fused", False)])
def test_softmax_and_logreg_are_differentiated_as_one(name, fused):
    """Where the cost is the only reader; then no probability is too small to divide by."""
    network = network_of(BY_NAME[name], np.float32)
    steps = [step.operation for step in network.plan.programs["train"]]
    assert ("softmax.backward" in steps) != fused
    if fused:
        x = np.zeros((6, 2))
        x[0] = 1000
        network.load({0: x, LABELS: np.array([[0.0, 5.0]])})
        network.run("gradients")
        expected = np.zeros((6, 2))
        expected[:, 1] = network.graph.node("y").layer.coeff * np.array([1, 0, 0, 0, 0, -1])
        np.testing.assert_allclose(network.data_gradient("x")[:, 0, 0], expected, rtol=1e-6)
