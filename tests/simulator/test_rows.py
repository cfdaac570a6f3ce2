"""The table of cases in float32 on the CUDA engine, against the CPU engine in float64."""

import comparisons
import numpy as np
import pytest
from cases import CASES
from rows import graph_of, randomize, texts

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from convnet.network.network import Network


def network_of(row, engine, again="") -> Network:
    graph = graph_of(*texts(row, again), row.data_dims(), row.tree)
    network = Network(graph, row.cases, engine, input_gradients=True)
    randomize(network)
    network.load(row.matrices())
    return network


def results(network, program) -> dict[str, np.ndarray]:
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
    """NaN in all that a step must write before it is read."""
    for buffer, memory in engine.memory.items():
        if buffer.role not in ("weights", "velocity", "state"):
            memory[:] = 255
    for memory in engine.scratch.values():
        memory[:] = 255


def difference(found, expected) -> float:
    scale = max(np.linalg.norm(expected), 1e-3)
    return np.linalg.norm(np.asarray(found, np.float64) - expected) / scale


@pytest.mark.parametrize("again", ["", "before"], ids=["alone", "2nd then"])
@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_row(row, again):
    networks = [network_of(row, engine, again) for engine in (CpuEngine(np.float64), Engine((0,)))]
    for program in ("gradients", "train"):
        for network in networks:
            network.program(program)
        poison(networks[1].engine)
        networks[1].load(row.matrices())
        expected, found = (results(network, program) for network in networks)
        errors = {name: difference(found[name], expected[name]) for name in expected}
        comparisons.note(row.name.partition(":")[0], errors)
        assert not {n: e for n, e in errors.items() if not e < row.tolerance}
