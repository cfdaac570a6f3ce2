"""Where text comes from and where in it something stands: Source and Span.  Nothing is parsed
here."""

import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from convnet.errors import SpecError
from convnet.spec.display import cells, harmless
from convnet.spec.problems import Problem, did_you_mean

# The largest published file has 30 kB; a file of megabytes is some other file given by mistake.
MAX_BYTES = 4_000_000
# Characters of a line that an excerpt shows at most.
EXCERPT_WIDTH = 88


@dataclass(frozen=True)
class Source:
    """The text of a spec file, line ends normalized to LF, and the path the user knows it by."""

    path: str
    text: str = field(repr=False)

    @classmethod
    def from_text(cls, text: str, name: str = "<text>") -> "Source":
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return cls(name, text)

    @classmethod
    def read(cls, path) -> "Source":
        """Read a file: UTF-8 with or without byte-order mark, any line ends.  SpecError if that is
        not possible."""
        name = str(path)
        data = _read_bytes(Path(path), name)
        if b"\0" in data:
            _refuse(f"{harmless(name)}: is not a text file: it holds zero bytes")
        try:
            return cls.from_text(data.decode("utf-8"), name)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            found = f"byte 0x{data[error.start]:02x} on line {line}"
            _refuse(f"{harmless(name)}: is not UTF-8 text ({found})", "save the file as UTF-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""


@dataclass(frozen=True)
class Span:
    """`width` characters of one line of a source; line and column count from 1."""

    source: Source
    line: int
    column: int
    width: int = 1

    def __str__(self):
        return f"{harmless(self.source.path)}:{self.line}:{self.column}"

    def slice(self, start: int, width: int) -> "Span":
        """A part of this span: `start` characters in, at least one wide."""
        return Span(self.source, self.line, self.column + start, max(1, width))

    def excerpt(self) -> str:
        """The line and a row of carets under the span, as two lines of text."""
        text = self.source.line(self.line)
        before, marked, after = self._shortened(text, self.column - 1)
        number = f"{self.line:5}"
        mark = " " * cells(before) + "^" * max(1, cells(marked))
        return f"{number} | {before}{marked}{after}\n{' ' * len(number)} | {mark}"

    def _shortened(self, text: str, start: int) -> tuple[str, str, str]:
        """The line before, in and after the span, cut to EXCERPT_WIDTH round the span."""
        start = min(start, len(text))  # just behind the end is a good place for a caret
        first, last, stop = 0, len(text), start + self.width
        if len(text) > EXCERPT_WIDTH:
            first = max(0, min(start - EXCERPT_WIDTH // 2, len(text) - EXCERPT_WIDTH))
            last = first + EXCERPT_WIDTH
        stop = min(stop, last)
        before = ("..." if first else "") + harmless(text[first:start])
        after = harmless(text[stop:last]) + ("..." if last < len(text) else "")
        return before, harmless(text[start:stop]), after.rstrip()


def _refuse(message: str, hint: str = ""):
    raise SpecError([Problem(None, message, hint)])


def _read_bytes(path: Path, name: str) -> bytes:
    shown = harmless(name)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            _refuse(f"{shown}: is a folder, not a file")
        if not stat.S_ISREG(mode):  # a pipe or a device could keep us waiting for ever
            _refuse(f"{shown}: is not an ordinary file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(f"{shown}: there is no such file", _near_file(path))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(f"{shown}: cannot be read ({reason.lower()})")
    if len(data) > MAX_BYTES:
        _refuse(f"{shown}: is larger than {MAX_BYTES // 1_000_000} MB, too large for a spec file")
    return data


def _near_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {harmless(str(path.parent))}"
    try:
        names = [entry.name for entry in path.parent.iterdir() if not entry.is_dir()]
    except OSError:
        return ""
    return did_you_mean(path.name, names)
