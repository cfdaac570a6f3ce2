"""Where text comes from and where in it something stands: Source and Span.  Nothing is parsed
here."""

from dataclasses import dataclass, field
from functools import cached_property

from convnet.language.display import cells, harmless

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
