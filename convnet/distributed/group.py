"""The processes that run a network together: what they agree on, and how they end."""

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, Protocol

import numpy as np

from convnet.distributed.transport import Transport
from convnet.distributed.waiting import Waiting

OFFER = 3.0  # seconds for which a rank that fails waits for others that fail alike
_PROBLEM = 2  # tag of the message of a rank that fails
_TEXT = 1 << 14  # bytes of it


class Group(Protocol):
    """All processes of a run; `Alone` where there is one."""

    rank: int
    size: int

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and prints."""
        ...

    def agree(self, *numbers: int) -> list[int]:
        """Return the largest of all ranks' numbers, one by one."""
        ...

    def share(self, value: Any, root: int = 0) -> Any:
        """Return what one rank gave, a JSON value, on all of them."""
        ...


class Alone:
    """One process."""

    rank, size = 0, 1
    is_first = True

    def agree(self, *numbers: int) -> list[int]:
        """Return the numbers."""
        return list(numbers)

    def share(self, value: Any, root: int = 0) -> Any:
        """Return the value."""
        return value


class ProcessTransport(Transport, Protocol):
    """A transport between processes, which it can end."""

    def finish(self) -> None:
        """Leave; nothing may be under way."""
        ...

    def abort(self, code: int) -> None:
        """End all processes; does not return."""
        ...


class Ranks:
    """Several processes.  timeout: seconds after which a wait for another one is given up."""

    def __init__(self, transport: ProcessTransport, timeout: float) -> None:
        self.transport = transport
        self.rank, self.size = transport.rank, transport.size
        # The first to give up tells; the others follow a little later.
        self.waiting = Waiting(timeout + 0.2 * self.rank, self._give_up)
        self._is_ending = False

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes files and prints."""
        return self.rank == 0

    def agree(self, *numbers: int) -> list[int]:
        """Return the largest of all ranks' numbers, one by one."""
        found = np.array(numbers, np.int64)
        self.waiting.complete(self.transport.maximum(found), self._others())
        return [int(number) for number in found]

    def share(self, value: Any, root: int = 0) -> Any:
        """Return what one rank gave, a JSON value, on all of them."""
        text = json.dumps(value).encode() if self.rank == root else b""
        (length,) = self.agree(len(text))
        array = np.zeros(length, np.uint8)
        if self.rank == root:
            array[:] = np.frombuffer(text, np.uint8)
        request = self.transport.broadcast(array, root)
        self.waiting.complete(request, () if self.rank == root else (root,))
        return json.loads(array.tobytes())

    def all_values(self, value: Any) -> list[Any]:
        """Return what each rank gave, a JSON value, by rank."""
        return [self.share(value, root) for root in range(self.size)]

    def _others(self) -> list[int]:
        return [rank for rank in range(self.size) if rank != self.rank]

    # -- the end -----------------------------------------------------------------------------------

    def finish(self) -> None:
        """Wait until all ranks are done, and leave; do nothing after `fail`."""
        if not self._is_ending:
            self.agree(0)
            self.transport.finish()

    def fail(self, message: str, code: int) -> int:
        """End all ranks because of an error.

        If all ranks have failed with the same message, rank 0 prints it and the code is returned.
        Otherwise the first of those that have failed prints all messages and ends all ranks.
        """
        self._is_ending = True
        found = {self.rank: message}
        with suppress(Exception):  # of messages: the error itself is what has to be told
            found |= self._offered(message)
        if len(found) == self.size and len(set(found.values())) == 1:
            if self.is_first:
                _print(message)
            if not self.waiting.under_way:  # MPI could not be left else
                self.transport.finish()
                return code
        elif self.rank == min(found):
            for text, ranks in _by_text(found).items():
                # What rank 0 alone meets, as with files that it alone writes, needs no number.
                _print(text if ranks == [0] else f"{_named(ranks)}: {text}")
        self.abort(code, first=min(found))
        return code

    def abort(self, code: int, first: int = 0) -> None:
        """End all ranks at once with an exit code.  first: the rank that has told why."""
        if self.rank != first:
            time.sleep(1)  # it ends this process too, when it has told
        self.transport.abort(code)

    def _offered(self, message: str) -> dict[int, str]:
        """Send the message to all ranks; the messages of those that have failed too, by rank."""
        mine, theirs = _block(message), {rank: _block("") for rank in self._others()}
        sends = [self.transport.send(mine, rank, _PROBLEM) for rank in theirs]
        arrivals = {r: self.transport.receive(a, r, _PROBLEM) for r, a in theirs.items()}
        for request in (*sends, *arrivals.values()):
            request.start()
        self._kept = sends, arrivals, mine  # their memory is in use until the process ends
        end = time.monotonic() + OFFER
        while time.monotonic() < end and not all(r.is_done() for r in arrivals.values()):
            time.sleep(0.01)
        return {rank: _text(theirs[rank]) for rank, r in arrivals.items() if r.is_done()}

    def _give_up(self, ranks: Collection[int], seconds: float) -> NoReturn:
        whom = _named(sorted(ranks)) if len(ranks) == 1 else f"one of {_named(sorted(ranks))}"
        _print(
            f"{_named([self.rank])}: has waited {seconds:.0f} s for {whom}, which does not answer; "
            "all ranks end. --rank-timeout sets how long a rank waits; the newest checkpoint is "
            "whole"
        )
        self.transport.abort(1)
        raise SystemExit(1)


@contextmanager
def read_by_first(engine: Any, group: Group) -> Iterator[None]:
    """Context in which rank 0 alone receives what all ranks read of an engine."""
    if group.size == 1:
        yield
    else:
        with engine.read_by(0):
            yield


def _block(text: str) -> np.ndarray:
    encoded = text.encode("utf-8", "replace")[:_TEXT]
    array = np.zeros(_TEXT, np.uint8)
    array[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    return array


def _text(array: np.ndarray) -> str:
    return array.tobytes().rstrip(b"\0").decode("utf-8", "replace")


def _by_text(found: dict[int, str]) -> dict[str, list[int]]:
    texts: dict[str, list[int]] = {}
    for rank, text in sorted(found.items()):
        texts.setdefault(text, []).append(rank)
    return texts


def _named(ranks: Collection[int]) -> str:
    return f"rank{'s' * (len(ranks) != 1)} {', '.join(map(str, ranks))}"


def _print(line: str) -> None:
    """Print on stderr, also where this rank's console is silent."""
    from convnet.display import escaped

    os.write(2, f"{escaped(line)}\n".encode(errors="replace"))
