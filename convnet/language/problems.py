"""Errors and warnings in spec files: one Problem, the collector Problems, and similar names.

Every stage adds what it finds to one collector, so that all errors of a file are reported
together."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from convnet.display import quoted
from convnet.errors import SpecError
from convnet.language.source import Span

# More errors help nobody, and the messages of a file of the wrong kind would fill the terminal.
MAX_SHOWN = 100
# Comparisons of names in the search for similar ones: about 0.2 seconds for each collector.
_MAX_COMPARISONS = 30_000


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
        return "\n".join(line.rstrip() for line in parts)


class Problems:
    """Collects problems; of equal ones it keeps one."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._comparisons_left = _MAX_COMPARISONS

    def error(self, span: Span | None, message: str, hint: str = "") -> None:
        """Add an error."""
        self._found[Problem(span, message, hint)] = None

    def warn(self, span: Span | None, message: str, hint: str = "") -> None:
        """Add a warning."""
        self._found[Problem(span, message, hint, "warning")] = None

    def similar(self, word: str, known: Iterable[str]) -> str:
        """Return the hint of `did_you_mean`; "" once the searches of this collector took long."""
        if self._comparisons_left <= 0:
            return ""
        names = list(known)
        self._comparisons_left -= len(names)
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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint "did you mean 'x'?" for the known name most similar to `word`, or "".

    Case does not count."""
    by_lower: dict[str, str] = {}
    for name in known:
        by_lower.setdefault(name.lower(), name)
    near = difflib.get_close_matches(word.lower()[:200], by_lower, n=1, cutoff=0.6)
    return f"did you mean {quoted(by_lower[near[0]])}?" if near else ""
