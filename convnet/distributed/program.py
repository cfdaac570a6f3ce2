"""A program of one rank: its own steps, and messages between them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from convnet.distributed.schedule import Message
from convnet.distributed.transport import Request
from convnet.distributed.waiting import Waiting
from convnet.network.engine import Port, Program, Times
from convnet.network.trace import Span


@dataclass
class SpanTimes:
    """Collects when steps and messages ran; local: the times of the local engine."""

    local: Times
    messages: list[Span] = field(default_factory=list)

    def spans(self) -> list[Span]:
        """Return the spans of steps and of messages."""
        return [*self.local.spans(), *self.messages]


@dataclass(frozen=True)
class Run:
    """Runs steps, and brings the messages under way forward behind them."""

    program: Program
    waiting: Waiting

    def run(self, times: SpanTimes | None) -> None:
        """Run the steps."""
        if times is None:
            self.program.run()
        else:
            self.program.timed(times.local)
        self.waiting.progress()


@dataclass
class Exchange:
    """This rank's end of a message.  started: when, by `time.perf_counter`."""

    message: Message
    port: Port
    request: Request
    waiting: Waiting
    is_sender: bool
    device: str
    started: float = 0.0

    @property
    def other(self) -> int:
        """The rank at the other end."""
        return self.message.receiver if self.is_sender else self.message.sender

    def start(self, times: SpanTimes | None) -> None:
        """Begin to send, or offer the memory to receive in."""
        if times is not None:
            self.started = time.perf_counter()
        if self.is_sender:
            self.port.pack()
            self.waiting.sent += self.port.array.nbytes
        self.waiting.start(self.request)

    def wait(self, times: SpanTimes | None) -> None:
        """Wait for the end."""
        begun = time.perf_counter()
        self.waiting.wait(self.request, (self.other,))
        if not self.is_sender:
            self.port.unpack()
        if times is not None:
            end = time.perf_counter()
            times.messages.append(self._span("message", self.started, end))
            times.messages.append(self._span("waiting", begun, end))

    def _span(self, queue: str, start: float, end: float) -> Span:
        return Span(self.message.step, self.device, queue, start * 1e6, (end - start) * 1e6)


class DistributedProgram:
    """Actions that run one after the other."""

    def __init__(self, actions: Sequence[Callable[[SpanTimes | None], None]]) -> None:
        self._actions = actions

    def run(self) -> None:
        """Run them."""
        for action in self._actions:
            action(None)

    def timed(self, times: Any, /) -> None:
        """Run them, and add when each ran to `times`."""
        for action in self._actions:
            action(times)
