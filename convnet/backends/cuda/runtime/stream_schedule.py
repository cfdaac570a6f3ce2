"""The stream of each step of a program, and the steps that it waits for.  Knows no CUDA.

Each device has a stream for its kernels and one for the copies that arrive there, so that copies
and kernels overlap.  A step waits for earlier steps on other streams whose memory accesses conflict
with its own: they overlap, and one of them writes.  Steps of one stream run in order anyway.  The
copies of the program `load` have streams of their own, which run beside the programs of the
minibatch before.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from convnet.network.memory import View
from convnet.network.record import BETWEEN_DEVICES, Step

COMPUTE, COPIES, UPLOADS = "compute", "copies", "uploads"


@dataclass(frozen=True)
class Stream:
    """A stream of a device of the spec.  kind: COMPUTE, COPIES or UPLOADS."""

    device: int
    kind: str

    def __str__(self):
        return f"device {self.device} {self.kind}"


@dataclass
class ScheduledStep:
    """A step on its stream.

    waits: numbers of the earlier steps that have to be done before.  awaited: whether others wait
    for it.
    """

    step: Step
    stream: Stream
    waits: list[int] = field(default_factory=list)
    awaited: bool = False


@dataclass(frozen=True)
class _Access:
    """An access of step `number` to the rows [start, end) of a buffer."""

    number: int
    start: int
    end: int
    writes: bool

    def conflicts(self, other: "_Access") -> bool:
        overlap = self.start < other.end and other.start < self.end
        return overlap and (self.writes or other.writes)


def schedule(steps: list[Step], written: Callable[[Step], Collection[int]]) -> list[ScheduledStep]:
    """Return the steps on their streams.  written(step): positions of the arguments it changes."""
    scheduled: list[ScheduledStep] = []
    accesses = {}
    for number, step in enumerate(steps):
        item = ScheduledStep(step, _stream_of(step))
        latest: dict[Stream, int] = {}
        for buffer, access in _accesses(step, number, written(step)):
            earlier = accesses.setdefault(buffer, [])
            for other in earlier:
                if other.number == number:
                    continue  # an argument of the same step
                stream = scheduled[other.number].stream
                if stream != item.stream and access.conflicts(other):
                    latest[stream] = max(latest.get(stream, -1), other.number)
            accesses[buffer] = _kept(earlier, access, scheduled, item.stream)
        item.waits = sorted(latest.values())
        for other in item.waits:
            scheduled[other].awaited = True
        scheduled.append(item)
    return scheduled


def _stream_of(step):
    if step.operation not in BETWEEN_DEVICES:
        return Stream(step.device, COMPUTE)
    return Stream(step.device, UPLOADS if step.phase == "load" else COPIES)


def _accesses(step, number, written):
    for position, view in enumerate(step.arguments):
        if isinstance(view, View):
            end = view.start + view.size
            yield view.buffer, _Access(number, view.start, end, position in written)


def _kept(earlier, access, scheduled, stream):
    """The accesses to remember: those of the same stream that `access` covers are dropped.

    A later step that would wait for them waits for `access`, and so for both.
    """
    kept = [
        other
        for other in earlier
        if not (
            (other.number >= len(scheduled) or scheduled[other.number].stream == stream)
            and access.start <= other.start
            and other.end <= access.end
            and (access.writes or not other.writes)
        )
    ]
    return [*kept, access]
