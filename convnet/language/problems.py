"""Errors and warnings in spec files: one Problem, the collector Problems, and similar names.

Every stage adds what it finds to one collector, so that all errors of a file are reported
together."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from convnet.display import harmless, quoted
from convnet.errors import SpecError
from convnet.language.source import Span

# More errors help nobody, and the messages of a file of the wrong kind would fill the terminal.
MAX_SHOWN = 100
# Pairs of letters compared in the search for similar names: a second for each collector.
_MAX_COMPARISONS = 2_000_000
# The value of a line with a key, or an indented line, which continues a value; up to a comment.
_VALUE = re.compile(r"(?:[^\s#;\[=:][^=:]*[=:]|[ \t]+)((?:(?![ \t];).)*)")
_NO_COMMENT = "'#' behind a value starts no comment: write the comment on a line of its own"


@dataclass(frozen=True)
class Problem:
    """An error (severity "error") or something legal but suspicious ("warning").

    Its text is `path:line:column: message`, the line, a caret and the hint."""

    span: Span | None
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        warning = "warning: " if self.severity == "warning" else ""
        parts = [f"{self.span}: {warning}{self.message}" if self.span else warning + self.message]
        if self.span:
            parts.append(self.span.excerpt())
        parts.extend(f"   {line}" for line in self.hint.split("\n") if line)
        lines = "\n".join(parts).split("\n")
        return "\n".join(harmless(line).rstrip() for line in lines)


class Problems:
    """Collects problems; of equal ones it keeps one."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._comparisons_left = _MAX_COMPARISONS

    def error(self, span: Span | None, message: str, hint: str = "") -> None:
        """Add an error.  If its value holds a '#', the hint says that this starts no comment."""
        hints = [hint, _NO_COMMENT] if span and _in_value_with_hash(span) else [hint]
        self._found[Problem(span, message, "\n".join(filter(None, hints)))] = None

    def warn(self, span: Span | None, message: str, hint: str = "") -> None:
        """Add a warning."""
        self._found[Problem(span, message, hint, "warning")] = None

    def similar(self, word: str, known: Iterable[str]) -> str:
        """Return the hint of `did_you_mean`; "" once the searches of this collector took long."""
        if self._comparisons_left <= 0:
            return ""
        names = list(known)
        self._comparisons_left -= len(word[:200]) * sum(map(len, names))
        return did_you_mean(word, names)

    @property
    def errors(self) -> list[Problem]:
        """The errors in the order of the files."""
        return self._sorted("error")

    @property
    def warnings(self) -> list[Problem]:
        """The first MAX_SHOWN warnings in the order of the files, and one with how many more."""
        return _cut(self._sorted("warning"), "warnings")

    def raise_errors(self, strict: bool = False) -> None:
        """Raise one SpecError with all errors in the order of the files, if there are any.

        strict: warnings count as errors.
        """
        found = self._sorted("error", "warning") if strict else self.errors
        if not found:
            return
        raise SpecError(replace(problem, severity="error") for problem in _cut(found, "problems"))

    def _sorted(self, *severities: str) -> list[Problem]:
        """The problems by file (in the order in which files first have one), line and column."""
        paths: dict[str, int] = {}
        for problem in self._found:
            if problem.span:
                paths.setdefault(problem.span.source.path, len(paths))

        def position(problem: Problem) -> tuple[int, int, int]:
            span = problem.span
            return (paths[span.source.path], span.line, span.column) if span else (-1, 0, 0)

        return sorted((p for p in self._found if p.severity in severities), key=position)


def _cut(found: list[Problem], kind: str) -> list[Problem]:
    if len(found) <= MAX_SHOWN:
        return found
    more = Problem(None, f"and {len(found) - MAX_SHOWN} more {kind}", severity=found[0].severity)
    return [*found[:MAX_SHOWN], more]


def _in_value_with_hash(span: Span) -> bool:
    """Whether a span is in a value that holds a '#'."""
    start = _value_with_hash(span.source.line(span.line))
    return start is not None and span.column > start


@lru_cache(maxsize=16)  # a long line may have thousands of errors
def _value_with_hash(line: str) -> int | None:
    """Where the value of a line begins, if the value holds a '#'."""
    match = _VALUE.match(line) if "#" in line else None
    return match.start(1) if match and "#" in match[1] else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint "did you mean 'x'?" for the known name most similar to `word`, or "".

    Case does not count.  A name is similar if a third of its letters are wrong at most, or if one
    of the two contains the other."""
    return _did_you_mean(word[:200], tuple(known))


@lru_cache(maxsize=20_000)  # a file may be built several times, with the same mistakes each time
def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    by_lower: dict[str, str] = {}
    for name in known:
        by_lower.setdefault(name.lower(), name)
    word = word.lower()
    near = difflib.get_close_matches(word, by_lower, n=3, cutoff=0.6)
    found = next((name for name in near if _is_similar(word, name)), None)
    return f"did you mean {quoted(by_lower[found])}?" if found else ""


def _is_similar(word: str, name: str) -> bool:
    short, long = sorted((word, name), key=len)
    if len(short) >= 4 and short in long:
        return True
    return _wrong_letters(word, name) <= max(1, len(name) // 3)


def _wrong_letters(one: str, other: str) -> int:
    """The letters to add, drop, replace or swap with the next one to make the words equal."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            now.append(min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a != b)))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                now[j] = min(now[j], before[j - 2] + 1)
        before, last = last, now
    return last[-1]
