"""Output of the commands: messages on stderr, results on stdout.  Nothing else prints.

A message that cannot be written (a closed or full console, a reader that ended) is dropped: the
work goes on.  A result that cannot be written is remembered, and the command fails when it ends.
Control characters in texts are shown escaped; characters that the console cannot encode, as "?".
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

from convnet.display import escaped

# What rich writes to a terminal for colors and to move the cursor.
_RICH = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\r)")


def note(line: str) -> None:
    """Print a message."""
    _write(sys.stderr, line + "\n")


def warn(problems: Iterable[object]) -> None:
    """Print each warning about the files."""
    for problem in problems:
        note(str(problem))


def result(line: str = "") -> None:
    """Print a line of the result."""
    _write(sys.stdout, line + "\n")


def result_json(value: Any) -> None:
    """Print the result as JSON."""
    result(json.dumps(value, indent=1))


def costs_line(costs: Mapping[str, Mapping[str, float]]) -> str:
    """Return {layer: {number: value}} on one line, errors in percent."""
    return "; ".join(", ".join(_shown(*item) for item in cost.items()) for cost in costs.values())


def _shown(name: str, value: float) -> str:
    return f"{name} {value:.2%}" if name.endswith("error") else f"{name} {value:.4f}"


def _write(stream: IO[str] | None, text: str) -> None:
    if not isinstance(stream, Guarded):  # outside of a command, as in a test of a part of it
        stream = Guarded(stream)
    stream.write(text)


# -- the streams -----------------------------------------------------------------------------------


class Guarded(io.TextIOBase):
    """A text stream that never raises: what it cannot write is dropped.

    Parameters:
        stream: Where to write; None for nowhere.
        keeps: A pattern with one group, of what is written without escaping its control characters.

    Attributes:
        problem: Why something could not be written, or None.
    """

    def __init__(self, stream: IO[str] | None, keeps: re.Pattern[str] | None = None) -> None:
        self.problem: OSError | None = None
        self._is_silent = False
        self._stream, self._keeps = stream, keeps
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._raw = _raw(stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base class has an attribute
        """The encoding of the stream below."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """How characters that the encoding lacks are written."""
        return "replace"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        """Return whether a terminal shows what is written."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the file descriptor of the stream below."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write a text, with its control characters escaped; return its length."""
        if self._is_silent:
            return len(text)
        encoded = self._safe(text).encode(self._encoding, "replace")
        try:
            self._put(encoded)
        except OSError as error:
            self.problem = error
        except ValueError:  # closed
            self.problem = OSError("it is closed")
        return len(text)

    def flush(self) -> None:
        """Do nothing: `write` leaves nothing in a buffer."""

    def silence(self) -> None:
        """Drop what is written from now on, without a problem."""
        self._stream = self._raw = None
        self._is_silent = True

    def styled(self) -> Guarded:
        """Return a stream for rich, which keeps its colors where a terminal shows them."""
        return Guarded(self._stream, _RICH) if self.isatty() else self

    def _safe(self, text: str) -> str:
        if self._keeps is None:
            return escaped(text)
        parts = self._keeps.split(text)
        return "".join(part if i % 2 else escaped(part) for i, part in enumerate(parts))

    def _put(self, encoded: bytes) -> None:
        if self._raw is not None:
            _write_all(self._raw, encoded)
        elif self._stream is not None:
            self._stream.write(encoded.decode(self._encoding))
            self._stream.flush()
        elif encoded:
            raise OSError("it is closed")


def _raw(stream: IO[str] | None) -> int | None:
    """Return the descriptor of a file or a terminal; None for any other stream.

    Bytes that a buffered stream cannot write stay in its buffer, and fail again when Python ends.
    """
    try:
        buffer = stream.buffer if isinstance(stream, io.TextIOWrapper) else None
        raw = buffer.raw if isinstance(buffer, io.BufferedWriter) else buffer
        if stream is not None and isinstance(raw, io.FileIO):
            stream.flush()
            return raw.fileno()
    except (OSError, ValueError):
        pass
    return None


def _write_all(descriptor: int, encoded: bytes) -> None:
    left = memoryview(encoded)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # another program made the pipe non-blocking
            if descriptor == 2:  # a message is not worth waiting for
                raise
            import select

            select.select([], [descriptor], [])


@contextmanager
def guarded() -> Iterator[None]:
    """Context in which everything that is printed goes through `Guarded`."""
    _open_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Guarded(before[0]), Guarded(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def silence() -> None:
    """Drop all that is printed from now on, within `guarded`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Guarded):
            stream.silence()


def styled(stream: IO[str]) -> IO[str]:
    """Return the stream that rich writes to instead of stdout or stderr."""
    return (stream if isinstance(stream, Guarded) else Guarded(stream)).styled()


def lost_result() -> OSError | None:
    """Return why a part of the result could not be printed, or None."""
    return sys.stdout.problem if isinstance(sys.stdout, Guarded) else None


def _open_closed_descriptors() -> None:
    """Open the null device where stdin, stdout or stderr is closed.

    Otherwise the next file that is opened, such as the journal, would get their number, and what a
    library or another process prints would end up in it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest free number
