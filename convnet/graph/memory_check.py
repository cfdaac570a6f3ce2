"""Refusing a net that no memory of this machine can hold, before the first byte is asked for."""

from convnet.graph.graph import Node
from convnet.language import Problems
from convnet.memory import REAL_BYTES


def check_memory(nodes: list[Node], memory: int | None, problems: Problems) -> None:
    """An error at the largest layer if weights, biases and the activities of one case alone (that
    is, what the smallest minibatch needs to be run forward) exceed `memory` bytes."""
    needed = {node: _values(node) * REAL_BYTES for node in nodes}
    total = sum(needed.values())
    if memory is None or total <= memory:
        return
    largest = max(needed, key=needed.get)
    parameters, outputs = _parameters(largest), largest.shape.size
    problems.error(
        largest.span(),
        f"the net needs at least {_gigabytes(total)} of memory, "
        f"this machine has {_gigabytes(memory)}",
        f"{largest.name} is the largest layer: {parameters:,} weights and biases, "
        f"{outputs:,} outputs a case",
    )


def _values(node: Node) -> int:
    return _parameters(node) + node.shape.size


def _parameters(node: Node) -> int:
    owned = sum(w.size for i, w in enumerate(node.layer.weights()) if node.owns(i))
    biases = node.layer.biases()
    return owned + (biases.size if biases else 0)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
