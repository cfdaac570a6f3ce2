"""What one rank does for a program: its own steps, and when each message starts and ends.

A copy between devices of two ranks is a message.  It begins as early as memory allows, which is
often long before the place of the copy in the list, so that it is under way while both ranks
compute:

* the sender starts it after the last earlier step that writes the rows to be sent;
* the receiver starts it (offers the memory) after the last earlier step that touches the rows
  where it arrives;
* each of them waits for its end before the first later step that needs the rows: the receiver
  before one that touches them, the sender before one that writes them; at the latest at the end.

No ranks can wait for each other in a circle.  Number the gaps between steps.  Each rank starts a
message in the gap before the copy or earlier, and waits for it in a later gap.  Of all ranks that
wait, take the one whose gap is earliest: the other end of its message has not started it yet, so
that rank is at an earlier gap still and waits there; but there is no earlier one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import NamedTuple

from convnet.distributed.placement import Placement
from convnet.network.memory import Buffer, View
from convnet.network.record import Step
from convnet.operations.declaration import Operation


@dataclass(frozen=True, eq=False)
class Message:
    """A copy to another rank.

    number: of the message in its program, the same on both ranks.  sender, receiver: ranks.
    """

    number: int
    step: Step
    cases: int
    sender: int
    receiver: int

    @property
    def source(self) -> View:
        """The rows that are sent."""
        return self.step.views()[0]

    @property
    def target(self) -> View:
        """The rows that they arrive in."""
        return self.step.views()[1]


@dataclass(frozen=True)
class Segment:
    """Steps that the rank runs one after the other."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Start:
    """The rank begins to send a message, or offers the memory that it arrives in."""

    message: Message


@dataclass(frozen=True)
class Wait:
    """The rank waits until a message is sent, or has arrived."""

    message: Message


Item = Segment | Start | Wait

_Place = tuple[int, int]
# Where in a gap: after the step before it; or before the step behind it, first waits, then starts.
_AFTER, _BEFORE, _AT = 2, 0, 1


def schedule(
    steps: Sequence[Step], sizes: Sequence[int], placement: Placement, rank: int
) -> list[Item]:
    """Return what a rank does for a program.  sizes: the cases of each microbatch.

    Steps on empty microbatches are left out.
    """
    planned = _Schedule(rank)
    for work in _work(steps, sizes, placement):
        planned.add(work)
    return _joined(planned.in_order())


class _Work(NamedTuple):
    """A step of any rank, on that many cases; message: if it is one."""

    step: Step
    cases: int
    rank: int | None
    message: Message | None


def _work(steps: Sequence[Step], sizes: Sequence[int], placement: Placement) -> Iterator[_Work]:
    number = 0
    for step in steps:
        cases = sizes[step.microbatch or 0]
        if not cases and step.microbatch is not None:
            continue
        if not placement.crosses(step):
            yield _Work(step, cases, placement.rank_of(step.device), None)
            continue
        sender, receiver = (placement.ranks[view.device] for view in step.views())
        yield _Work(step, cases, None, Message(number, step, cases, sender, receiver))
        number += 1


class _Rows(NamedTuple):
    """An access to the values [start, end) of a buffer."""

    buffer: Buffer
    start: int
    end: int
    writes: bool

    def conflicts(self, other: "_Rows") -> bool:
        """Return whether the two may not be swapped."""
        overlap = self.start < other.end and other.start < self.end
        return self.buffer is other.buffer and overlap and (self.writes or other.writes)


def _rows(view: View, cases: int, writes: bool) -> _Rows:
    per_row = cases if view.buffer.per_case else 1
    return _Rows(view.buffer, view.start * per_row, (view.start + view.size) * per_row, writes)


def _rows_of(work: _Work, rank: int) -> list[_Rows]:
    """What a rank accesses for a step: of a message, its own end."""
    if work.message is not None:
        is_sender = work.message.sender == rank
        view = work.message.source if is_sender else work.message.target
        return [_rows(view, work.cases, writes=not is_sender)]
    written = _written(work.step)
    return [
        _rows(view, work.cases, position in written)
        for position, view in enumerate(work.step.arguments)
        if isinstance(view, View)
    ]


def _written(step: Step) -> set[int]:
    module, _, name = step.operation.partition(".")
    operation: Operation[...] = getattr(import_module(f"convnet.operations.{module}"), name)
    return operation.positions(operation.writes)


@dataclass
class _Schedule:
    """Collects the items of a rank, each with its place: (step, where in the gap).

    outstanding: messages that nothing has waited for yet.  before: of each buffer, the accesses so
    far, each with the place from which on it is over; that of a message is not known before
    something waits for it.
    """

    rank: int
    count: int = 0
    items: list[tuple[_Place, Item]] = field(default_factory=list)
    outstanding: dict[Message, list["_Access"]] = field(default_factory=dict)
    before: dict[Buffer, list["_Access"]] = field(default_factory=dict)

    def add(self, work: _Work) -> None:
        """Add the next step of the program."""
        message, at = work.message, self.count
        mine = work.rank == self.rank if message is None else self._takes_part(message)
        if not mine:
            return
        self.count += 1
        accesses = [_Access(rows, (at, _AFTER)) for rows in _rows_of(work, self.rank)]
        self._wait_for_conflicts(accesses, at)
        if message is None:
            self.items.append(((at, _AT), Segment((work.step,))))
        else:
            self.items.append((self._earliest(accesses), Start(message)))
            self.outstanding[message] = accesses
        for access in accesses:
            self.before.setdefault(access.rows.buffer, []).append(access)

    def in_order(self) -> list[Item]:
        """Return the items, with waits for all that is outstanding at the end."""
        ends: list[tuple[_Place, Item]] = [
            ((self.count, _BEFORE), Wait(message)) for message in self.outstanding
        ]
        return [item for _, item in sorted(self.items + ends, key=lambda placed: placed[0])]

    def _takes_part(self, message: Message) -> bool:
        return self.rank in (message.sender, message.receiver)

    def _wait_for_conflicts(self, accesses: list["_Access"], at: int) -> None:
        for message, theirs in list(self.outstanding.items()):
            if any(a.rows.conflicts(b.rows) for a in accesses for b in theirs):
                self.items.append(((at, _BEFORE), Wait(message)))
                del self.outstanding[message]
                for access in theirs:
                    access.over = (at, _AT)

    def _earliest(self, accesses: list["_Access"]) -> _Place:
        """The earliest place for a message: behind all that accesses its rows before."""
        found = [
            other.over
            for mine in accesses
            for other in self.before.get(mine.rows.buffer, ())
            if mine.rows.conflicts(other.rows)
        ]
        return max(found, default=(-1, _AFTER))


@dataclass
class _Access:
    """Rows that a rank accesses; over: the place behind the access."""

    rows: _Rows
    over: _Place


def _joined(items: list[Item]) -> list[Item]:
    """Join neighboring segments."""
    found: list[Item] = []
    for item in items:
        last = found[-1] if found else None
        if isinstance(item, Segment) and isinstance(last, Segment):
            found[-1] = Segment(last.steps + item.steps)
        else:
            found.append(item)
    return found
