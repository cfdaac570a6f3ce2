"""`convnet check-grads`: compare gradients with finite differences of the cost, in float64."""

from dataclasses import dataclass

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.cli_options.specs import CheckGradsArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.output.console import note, result, result_json, warn
from convnet.commands.replicas import with_replicas
from convnet.initial import InitOptions, resolve
from convnet.language.specs import Specs
from convnet.network.network import Network

STEPS = (1e-5, 1e-6, 1e-7)  # a kink (relu, max) within one of them is not within the next
TOLERANCE = 1e-5


@dataclass
class GradientCheck:
    """The derivative of the cost along a random direction of one parameter array.

    numeric: by finite differences.  analytic: by the backward pass.
    """

    parameter: str
    numeric: float
    analytic: float

    @property
    def error(self) -> float:
        """The relative difference, 0 if both derivatives are."""
        scale = max(abs(self.numeric), abs(self.analytic))
        return abs(self.numeric - self.analytic) / scale if scale else 0.0


def check_grads(arguments: CheckGradsArguments) -> int:
    """Print a check of each parameter array; return exit code 1 if one differs."""
    spec, minibatch, seed = arguments.spec.with_files(), arguments.minibatch, arguments.seed
    specs = Specs.read(spec.layers, spec.params)
    specs, language = with_replicas(specs, spec.language)
    graph, _ = build_without_data(specs, language, arguments.dims)
    warn(specs.problems.warnings)
    for line in resolve(graph, InitOptions(ignore=True))[1]:
        note(line)
    network = Network(graph, minibatch, Engine(np.float64), seed=seed, train_all=True)
    network.load(random_data(graph, minibatch, seed))
    draw_sensitive(network, seed)
    checks = check_network(network, seed)
    good = all(check.error < TOLERANCE for check in checks)
    if arguments.as_json:
        result_json([{**vars(check), "error": check.error} for check in checks])
    else:
        _print(checks, good)
    return 0 if good else 1


def random_data(graph, cases: int, seed: int) -> dict[int, np.ndarray]:
    """Return normal pixels and random labels by data index, as (values, cases) arrays."""
    rng = np.random.default_rng(seed)
    found = (node.layer.classes for node in graph.nodes if node.is_cost)
    classes = min(filter(None, found), default=10)
    labels = rng.integers(0, classes, cases)
    matrices = {}
    for node in graph.nodes:
        if node.is_data:
            index, rows = node.layer.data_idx, graph.data_dims[node.layer.data_idx]
            drawn = _matrix(node, rows, cases, rng)
            matrices[index] = drawn if rows > 1 else labels[None].astype(float)
    return matrices


def _matrix(node, rows, cases, rng):
    """Pixels, or a matrix of labels from 0 to 1 where a cost reads it."""
    draw = rng.random if node.layer.data_idx else rng.standard_normal
    return draw((rows, cases))


def draw_sensitive(network: Network, seed: int) -> None:
    """Replace the initial weights by ones that make every term of the gradients count.

    N(0, 2 / fan-in), which keeps activities of one size through ReLU layers; biases N(0, 0.01).
    With initial weights as small as those of the files, rounding and kinks would hide all
    derivatives.
    """
    rng = np.random.default_rng([seed, 1])
    for parameter in network.plan.parameters:
        fan_in = 200 if parameter.index is None else parameter.spec.blocks[1]
        values = rng.standard_normal(parameter.spec.shape) * np.sqrt(2 / fan_in)
        network.write(parameter, values)


def check_network(network: Network, seed: int = 0) -> list[GradientCheck]:
    """Return the checks of all parameters of a network that was made with train_all.

    Its data must be loaded.
    """
    rng = np.random.default_rng(seed)
    network.run("gradients")
    gradients = {p.name: network.read_gradient(p) for p in network.plan.parameters if p.learns}
    return [
        _check_one(network, network.parameters[name], gradient, rng)
        for name, gradient in gradients.items()
    ]


def _check_one(network, parameter, gradient, rng):
    """The check with the first step that agrees, else the best: a wrong gradient has none."""
    direction = rng.standard_normal(gradient.shape)
    direction /= np.sqrt((direction**2).sum())
    analytic = float((gradient * direction).sum())
    checks = []
    for step in STEPS:
        numeric = _derivative(network, parameter, direction, step)
        checks.append(GradientCheck(parameter.name, numeric, analytic))
        if checks[-1].error < TOLERANCE / 10:
            break
    return min(checks, key=lambda check: check.error)


def _derivative(network, parameter, direction, step) -> float:
    """The central difference of the cost along a direction."""
    values = network.read(parameter)
    costs = []
    for sign in (1, -1):
        network.write(parameter, values + sign * step * direction)
        network.run("test")
        costs.append(network.objective())
    network.write(parameter, values)
    return float((costs[0] - costs[1]) / (2 * step))


def _print(checks, good):
    width = max(len(check.parameter) for check in checks)
    result(f"{'parameter':{width}}  {'differences':>14}  {'backward':>14}  {'error':>8}")
    for check in checks:
        flag = "" if check.error < TOLERANCE else "  <-- differs"
        numbers = f"{check.numeric:14.6g}  {check.analytic:14.6g}  {check.error:8.1e}"
        result(f"{check.parameter:{width}}  {numbers}{flag}")
    result("all gradients agree" if good else "gradients differ: see the marked rows")
