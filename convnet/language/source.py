"""Where text comes from, and locations in it: Source and Span.  Nothing is parsed here."""

from dataclasses import dataclass, field
from functools import cached_property

from convnet.display import cells, harmless

EXCERPT_WIDTH = 88  # the most characters of a line that an excerpt shows


@dataclass(frozen=True)
class Mark:
    """`width` characters of a line that no file contains: an option gave them."""

    line: int
    column: int
    width: int
    option: str


@dataclass(frozen=True)
class Source:
    """The text of a spec file, line ends normalized to LF, and its path as the user gave it.

    Of a text that `convnet.language.edit` made of a file's: marks: what options gave.  numbers: for
    each line its number in the file, that of the line above for a line that is not in it.
    """

    path: str
    text: str = field(repr=False)
    marks: tuple[Mark, ...] = field(default=(), compare=False, repr=False)
    numbers: tuple[int, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def from_text(cls, text: str, name: str = "<text>") -> "Source":
        """Return a source without its byte-order mark and with LF line ends."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return cls(name, text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return self.text.split("\n")

    def line(self, number: int) -> str:
        """Return line `number`, counted from 1; "" beyond the end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def number(self, line: int) -> int:
        """Return the number of a line in the file as it is on disk."""
        return self.numbers[line - 1] if 1 <= line <= len(self.numbers) else line

    def mark_at(self, line: int, column: int) -> Mark | None:
        """Return the mark that a character is in or just behind, or None."""
        marks = (m for m in self.marks if m.line == line and 0 <= column - m.column <= m.width)
        return next(marks, None)


@dataclass(frozen=True)
class Span:
    """`width` characters of one line of a source; line and column count from 1.

    As text it is "path:line:column", or the option that gave the characters.
    """

    source: Source
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        mark = self.source.mark_at(self.line, self.column)
        if mark is not None:
            return harmless(mark.option)
        return f"{harmless(self.source.path)}:{self.source.number(self.line)}:{self.column}"

    def slice(self, start: int, width: int) -> "Span":
        """Return a part of this span: `start` characters in, at least one character wide."""
        return Span(self.source, self.line, self.column + start, max(1, width))

    def excerpt(self) -> str:
        """Return the line and carets under the span, as two lines of text.

        Of what an option gave, only that is shown.
        """
        text, start = self.source.line(self.line), self.column - 1
        number = f"{self.source.number(self.line):5}"
        given = self.source.mark_at(self.line, self.column)
        if given is not None:
            text, start = text[given.column - 1 :][: given.width], self.column - given.column
            number = " " * len(number)
        before, marked, after = self._shortened(text, start)
        mark = " " * cells(before) + "^" * max(1, cells(marked))
        return f"{number} | {before}{marked}{after}\n{' ' * len(number)} | {mark}"

    def _shortened(self, text: str, start: int) -> tuple[str, str, str]:
        """The line before, in and after the span, cropped to EXCERPT_WIDTH around the span."""
        start = min(start, len(text))  # a caret may be just behind the end
        first, last, stop = 0, len(text), start + self.width
        if len(text) > EXCERPT_WIDTH:
            first = max(0, min(start - EXCERPT_WIDTH // 2, len(text) - EXCERPT_WIDTH))
            last = first + EXCERPT_WIDTH
        stop = min(stop, last)
        before = ("..." if first else "") + harmless(text[first:start])
        after = harmless(text[stop:last]) + ("..." if last < len(text) else "")
        return before, harmless(text[start:stop]), after.rstrip()
