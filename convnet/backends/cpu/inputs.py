"""Inputs of virtual devices that need no memory of their own, because the host has the same."""

from collections import Counter
from collections.abc import Mapping

from convnet.network.memory import Buffer
from convnet.network.record import Step
from convnet.operations import transfer


def shared_inputs(programs: Mapping[str, list[Step]]) -> dict[Buffer, Buffer]:
    """Return the inputs of devices that are whole copies of an input of the host, with the latter.

    An input that several steps write, one after the other, is not among them.
    """
    copies = [step.views() for step in programs["load"] if step.operation == transfer.copy.name]
    writers = Counter(target.buffer for _, target in copies)
    return {
        target.buffer: source.buffer
        for source, target in copies
        if source.device < 0
        and target.buffer.role == "inputs"
        and writers[target.buffer] == 1
        and source.buffer.rows == source.size == target.size == target.buffer.rows
    }
