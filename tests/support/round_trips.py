"""Networks that are exported and imported again."""

from pathlib import Path

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.export.formats import export
from convnet.foreign.exported import read_exported
from convnet.foreign.formats import format_of, read_foreign
from convnet.foreign.taking import take
from convnet.network.network import Network
from tests.support.exported import kept_values, model_of

FORMATS = ("onnx", "torch", "npz", "safetensors")


def written(network, folder: Path, form: str, **facts) -> Path:
    """The file with the weights of an exported network, which has run."""
    return export(model_of(network, **facts), folder / "net", form)[0]


def of_file(path: Path, cases: int) -> Network:
    """The network that a file of `convnet export` holds."""
    found = read_exported(path, format_of(path).name)
    network = Network(found.graph, cases, Engine(np.float32), seed=9)
    return filled(network, found.checkpoint.arrays)


def taken(path: Path, network: Network) -> Network:
    """Another network of the same graph, with the weights of a file as of any framework."""
    file = read_foreign(path, format_of(path))
    other = Network(network.graph, network.minibatch, Engine(np.float32), seed=9)
    found = take(file, network.graph)
    assert not found.matching.missing and not found.matching.left, found.matching
    return filled(other, found.arrays)


def filled(network: Network, arrays) -> Network:
    """A network with these weights, which are all that it has, and these tables."""
    assert set(network.parameters) <= set(arrays)
    for name, array in arrays.items():
        if name in network.parameters:
            parameter = network.parameters[name]
            network.write(parameter, array.reshape(parameter.spec.shape))
        else:
            network.write_table(network.tables[name], array)
    return network


def differing(network: Network, other: Network, data) -> list[str]:
    """The layers that compute something else in another network."""
    values = []
    other.seed = network.seed  # of what pool=rand samples
    for each in (network, other):
        each.load(data)
        each.run("test")
        values.append({n.name: kept_values(each, n) for n in each.graph.declared() if _has(n)})
    return [name for name in values[0] if not np.array_equal(values[0][name], values[1][name])]


def _has(node) -> bool:
    return not node.is_cost and not node.is_data
