"""Refuses a net that does not fit the memory of this machine, before anything is allocated."""

import os

from convnet.graph.graph import Node
from convnet.graph.summary import parameter_count
from convnet.language import Problems

REAL_BYTES = 4


def machine_memory() -> int | None:
    """Return the bytes of memory of this machine; None where the system does not report it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(nodes: list[Node], memory: int | None, problems: Problems) -> None:
    """Report an error at the largest layer if the net needs more than `memory` bytes.

    Counted are weights, biases and the activities of one case: what the smallest minibatch needs in
    a forward pass.
    """
    needed = {node: _values(node) * REAL_BYTES for node in nodes}
    total = sum(needed.values())
    if memory is None or total <= memory:
        return
    largest = max(needed, key=lambda node: needed[node])
    parameters, outputs = parameter_count(largest), largest.shape.size
    problems.error(
        largest.span(),
        f"the net needs at least {_gigabytes(total)} of memory, "
        f"but this machine has {_gigabytes(memory)}",
        f"{largest.name} is the largest layer: {parameters:,} weights and biases, "
        f"{outputs:,} outputs per case",
    )


def _values(node: Node) -> int:
    return parameter_count(node) + node.shape.size


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
