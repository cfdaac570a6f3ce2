"""On which stream each piece of a program runs, and what it waits for.  Knows no CUDA.

Each device has a stream for its kernels and one for the copies that arrive there, so that copies
and kernels overlap.  A piece waits for earlier pieces on other streams that touched the same
memory, unless both only read it; on its own stream order is kept anyway.  The copies of the program
`load` have streams of their own, which go on beside the programs of the minibatch before.
"""

from dataclasses import dataclass, field

from convnet.network.memory import View
from convnet.network.record import BETWEEN_DEVICES, Step

COMPUTE, COPIES, UPLOADS = "compute", "copies", "uploads"


@dataclass(frozen=True)
class Stream:
    """Queue of a device of the spec."""

    device: int
    kind: str

    def __str__(self):
        return f"device {self.device} {self.kind}"


@dataclass
class Piece:
    """A step in its stream.

    waits: numbers of earlier pieces that have to be finished.  awaited: whether others wait for it.
    """

    step: Step
    stream: Stream
    waits: list[int] = field(default_factory=list)
    awaited: bool = False


@dataclass(frozen=True)
class _Touch:
    """One access to rows of a buffer."""

    piece: int
    start: int
    end: int
    writes: bool

    def conflicts(self, other: "_Touch") -> bool:
        overlap = self.start < other.end and other.start < self.end
        return overlap and (self.writes or other.writes)


def ordered(steps: list[Step], written) -> list[Piece]:
    """The steps as pieces.  written(step): positions of the arguments that it changes."""
    pieces, touched = [], {}
    for number, step in enumerate(steps):
        piece = Piece(step, _stream_of(step))
        latest: dict[Stream, int] = {}
        for buffer, touch in _touches(step, number, written(step)):
            earlier = touched.setdefault(buffer, [])
            for other in earlier:
                if other.piece == number:
                    continue  # an argument of the same step
                stream = pieces[other.piece].stream
                if stream != piece.stream and touch.conflicts(other):
                    latest[stream] = max(latest.get(stream, -1), other.piece)
            touched[buffer] = _remembered(earlier, touch, pieces, piece.stream)
        piece.waits = sorted(latest.values())
        for other in piece.waits:
            pieces[other].awaited = True
        pieces.append(piece)
    return pieces


def _stream_of(step):
    if step.operation not in BETWEEN_DEVICES:
        return Stream(step.device, COMPUTE)
    return Stream(step.device, UPLOADS if step.phase == "load" else COPIES)


def _touches(step, number, written):
    for position, view in enumerate(step.arguments):
        if isinstance(view, View):
            end = view.start + view.size
            yield view.buffer, _Touch(number, view.start, end, position in written)


def _remembered(earlier, touch, pieces, stream):
    """Leaves out accesses of the same stream that `touch` covers: whoever waits for it has both."""
    kept = [
        other
        for other in earlier
        if not (
            (other.piece >= len(pieces) or pieces[other.piece].stream == stream)
            and touch.start <= other.start
            and other.end <= touch.end
            and (touch.writes or not other.writes)
        )
    ]
    return [*kept, touch]
