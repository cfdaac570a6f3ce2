"""Rows of the table of cases on the CUDA engine: in the simulator, or on a GPU."""

import numpy as np

from convnet.network.network import Network
from tests.backends.cuda.test_stream_schedule import LAYERS, PARAMS
from tests.support.rows import graph_of, randomize, texts


def network_of(row, engine, again="") -> Network:
    """The row's network on an engine, its weights random, its data loaded."""
    graph = graph_of(*texts(row, again), row.data_dims(), row.tree)
    network = Network(graph, row.cases, engine, input_gradients=True)
    randomize(network)
    network.load(row.matrices())
    return network


def results(network, program) -> dict[str, np.ndarray]:
    """All that a run of a program leaves behind, by name."""
    network.set_rates(0.3)
    network.run(program)
    found = {f"output of {n.name}": network.output(n.name) for n in network.graph.declared()
             if not n.is_cost}  # fmt: skip
    found |= {f"cost {name}": values for name, values in network.costs().items()}
    for name, parameter in network.parameters.items():
        found[name] = network.read(parameter)
        if parameter.learns:
            found[f"gradient of {name}"] = network.read_gradient(parameter)
    for node in network.graph.nodes:
        if node.is_data and program != "test":
            found[f"gradient of {node.name}"] = network.data_gradient(node.name)
    return found


def poison(engine) -> None:
    """NaN in all that a step must write before it is read, and in all minibatches."""
    engine.synchronize()
    for buffer, memory in engine.memory.items():
        if buffer.role not in ("weights", "velocity", "state"):
            _fill(memory, 255)
    for memory in [*engine.scratch.values(), *(m for s in engine.slots for m in s.memory.values())]:
        _fill(memory, 255)
    engine.synchronize()


def _fill(memory, byte):
    """Of the host or of a GPU."""
    if isinstance(memory, np.ndarray):
        memory[:] = byte
    else:
        memory.copy_to_device(np.full(memory.size, byte, np.uint8))


def difference(found, expected) -> float:
    """Norm of the difference over the norm of what is expected."""
    scale = max(np.linalg.norm(expected), 1e-3)
    return np.linalg.norm(np.asarray(found, np.float64) - expected) / scale


# -- two devices ------------------------------------------------------------------

STEPS = 12  # with two sizes of a minibatch, in two slots: plain, captured, replayed
TRAINED = 3e-6  # the largest error after STEPS; tests/backends/cuda/test_gpu_comparisons.py


def two_devices(engine) -> Network:
    """A network whose layers exchange values between devices 0 and 1."""
    network = Network(graph_of(LAYERS, PARAMS + "\n[cost]\ncoeff=1\n", {0: 192, 1: 1}), 4, engine)
    randomize(network)
    return network


def minibatch(cases, rng) -> dict[int, np.ndarray]:
    """Images and labels for it."""
    labels = rng.integers(0, 5, (1, cases)).astype(np.float32)
    return {0: rng.standard_normal((192, cases)).astype(np.float32), 1: labels}


def trained(network, steps=3, ahead=True) -> list[np.ndarray]:
    """Costs and weights after some minibatches, every third of them a short one.

    ahead: each is loaded while the one before is computed.
    """
    rng, costs = np.random.default_rng(5), []
    coming = minibatch(4, rng)
    for step in range(steps):
        network.load(coming)
        network.set_rates(step / steps)
        network.run("train")
        coming = minibatch(3 if step % 3 == 1 else 4, rng)
        network.load_ahead(coming if ahead else None)
        costs.append(network.costs()["cost"])
    return costs + [network.read(parameter) for parameter in network.parameters.values()]


def largest_error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Of costs and weights: the largest norm of a difference over the norm of what is expected."""
    pairs = zip(found, expected, strict=True)
    return float(max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs))
