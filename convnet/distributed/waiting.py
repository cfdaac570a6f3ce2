"""Waits for messages: they bring all others forward, and give up after a while."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from convnet.distributed.transport import Request

_SPIN = 200e-6  # seconds in which a wait only yields the processor
_NAP = 50e-6
_LONG_NAP = 1e-3  # from a second on


@dataclass
class Waiting:
    """Waits for requests, and knows which others are under way.

    timeout: seconds after which a wait ends with `give_up`.  give_up(ranks, seconds): is called
    with the ranks that were waited for, and does not return.  seconds: spent waiting.  sent: bytes
    of the messages of programs.
    """

    timeout: float
    give_up: Callable[[Collection[int], float], None]
    under_way: list[Request] = field(default_factory=list)
    seconds: float = 0.0
    sent: int = 0

    def start(self, request: Request) -> None:
        """Start a request, which is under way until it is waited for."""
        request.start()
        self.under_way.append(request)

    def progress(self) -> None:
        """Bring what is under way forward: MPI does that only while it is called."""
        for request in self.under_way:
            if not request.is_done():
                return  # the call has brought all of them forward

    def wait(self, request: Request, ranks: Collection[int]) -> None:
        """Wait for a request that was started.  ranks: those that it depends on."""
        if not request.is_done():
            self._wait(request, ranks)
        self.under_way.remove(request)

    def _wait(self, request: Request, ranks: Collection[int]) -> None:
        begun = time.perf_counter()
        while not request.is_done():
            waited = time.perf_counter() - begun
            time.sleep(0 if waited < _SPIN else _NAP if waited < 1 else _LONG_NAP)
            if waited > self.timeout:
                self.give_up(ranks, waited)
        self.seconds += time.perf_counter() - begun

    def complete(self, request: Request, ranks: Collection[int]) -> None:
        """Start a request and wait for it."""
        self.start(request)
        self.wait(request, ranks)
