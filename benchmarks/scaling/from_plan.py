"""The tasks of a plan's program, with measured times, on ranks that hold its devices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.scaling.timeline import Task
from convnet.backends.base import written_positions
from convnet.backends.cpu.engine import operation
from convnet.graph.build import HOST
from convnet.network.crossing import bytes_sent
from convnet.network.memory import Buffer, View
from convnet.network.network import Network
from convnet.network.plan import Plan
from convnet.network.record import BETWEEN_DEVICES, Step


@dataclass(frozen=True)
class Link:
    """What messages go over.  latency: seconds; bandwidth: bytes a second, in each direction.

    shared: a rank sends one message at a time and receives one at a time, as on a network; else
    there is a link between each two ranks.
    """

    latency: float
    bandwidth: float
    shared: bool = True

    def seconds(self, size: float) -> float:
        """Return how long a message of so many bytes takes."""
        return self.latency + size / self.bandwidth

    def uses(self, source: int, target: int) -> tuple[tuple[object, ...], ...]:
        """Return what a message occupies."""
        return (("out", source), ("in", target)) if self.shared else (("link", source, target),)


def measured_steps(network: Network, program: str = "train", repeats: int = 3) -> list[float]:
    """Return the shortest time of each step of a program in several runs, in seconds.

    The network's data is loaded.
    """
    times: list[list[float]] = []
    for _ in range(repeats):
        with network.traced() as spans:
            network.run(program)
        times.append([span.duration / 1e6 for span in spans])
    return [min(of_step) for of_step in zip(*times, strict=True)]


def tasks_of(
    plan: Plan,
    steps: Sequence[Step],
    seconds: Sequence[float],
    rank_of: Callable[[int], int],
    link: Link,
) -> list[Task]:
    """Return the tasks of steps that take so many seconds each, on a full minibatch.

    A copy between ranks becomes a message: it starts when what it sends has been written and where
    it arrives is free, and who reads that waits for it.
    """
    tasks: list[Task] = []
    accesses: dict[Buffer, list[tuple[int, View, bool]]] = {}
    for number, (step, time) in enumerate(zip(steps, seconds, strict=True)):
        after = set()
        written = written_positions(operation(step.operation))
        for position, view in enumerate(step.arguments):
            if isinstance(view, View):
                earlier = accesses.setdefault(view.buffer, [])
                writes = position in written
                after |= {n for n, v, w in earlier if (w or writes) and _overlap(v, view)}
                earlier.append((number, view, writes))
        after.discard(number)
        ranks = [rank_of(device) for device in _devices(step)]
        if len(set(ranks)) > 1:
            source, target = ranks
            size = bytes_sent(step, plan)
            tasks.append(Task(link.seconds(size), tuple(after), None, link.uses(source, target)))
        else:
            tasks.append(Task(time, tuple(after), ranks[-1]))
    return tasks


def _devices(step: Step) -> list[int]:
    """The devices of a copy between devices; else the one that a step runs on."""
    if step.operation in BETWEEN_DEVICES and step.views()[0].device != HOST:
        return [view.device for view in step.views()]
    return [step.device]


def _overlap(one: View, other: View) -> bool:
    return one.start < other.start + other.size and other.start < one.start + one.size
