"""`%(key)s` and `%%` in values, and the keys that [DEFAULT] gives to every section
(docs/dialect.md, 1)."""

import re
from typing import NoReturn

from convnet.display import quoted
from convnet.language.problems import Problems
from convnet.language.specfile import Entry, Section
from convnet.language.values import Value

MAX_DEPTH = 10
# Bounds on what a small file can expand to: characters of expanded values, default entries.
MAX_EXPANDED = 4_000_000
MAX_DEFAULTS = 100_000

_REFERENCE = re.compile(r"%(?:%|\(([^()\n]*)\)s)?")


class _Failed(Exception):
    """A reference could not be expanded; the problem is already reported."""


class _Budget:
    """How many characters the values of a file may still expand to."""

    def __init__(self) -> None:
        self.left = MAX_EXPANDED


def resolve(
    sections: list[Section], defaults: dict[str, Entry], problems: Problems
) -> tuple[Section, ...]:
    """Return the sections with the defaults added and all references expanded.

    Errors go to `problems`; a value with an error stays as it was written.
    """
    if len(sections) * len(defaults) > MAX_DEFAULTS:
        first = next(iter(defaults.values()))
        message = f"[DEFAULT] gives {len(defaults)} keys to {len(sections)} sections: too many"
        problems.error(first.key_span, message)
        defaults = {}
    budget = _Budget()
    return tuple(_resolved(section, defaults, budget, problems) for section in sections)


def _resolved(
    section: Section, defaults: dict[str, Entry], budget: _Budget, problems: Problems
) -> Section:
    missing = {key: entry for key, entry in defaults.items() if key not in section.entries}
    expander = _Expander(section.entries | missing, budget, problems)
    return Section(section.name, section.span, expander.all())


class _Expander:
    """Expands the entries of one section; each key once."""

    def __init__(self, entries: dict[str, Entry], budget: _Budget, problems: Problems) -> None:
        self.entries = entries
        self.budget = budget
        self.problems = problems
        self.expanded: dict[str, str] = {}

    def all(self) -> dict[str, Entry]:
        """Return the entries with their references expanded."""
        return {key: self._entry(key, entry) for key, entry in self.entries.items()}

    def _entry(self, key: str, entry: Entry) -> Entry:
        if "%" not in entry.value.text:
            return entry
        try:
            text = self._text(key, ())
        except _Failed:
            return entry
        lines = (line.strip() for line in text.split("\n"))
        value = Value("\n".join(line for line in lines if line), entry.value.span)
        return Entry(entry.key, entry.key_span, value, entry.written)

    def _text(self, key: str, above: tuple[str, ...]) -> str:
        """Return the expanded text of a key.  above: the keys whose expansion refers to it."""
        if key not in self.expanded:
            value = self.entries[key].value
            parts, end = [], 0
            for match in _REFERENCE.finditer(value.text):
                parts.append(value.text[end : match.start()])
                parts.append(self._replacement(key, value, match, above))
                end = match.end()
            self.expanded[key] = "".join(parts) + value.text[end:]
        text = self.expanded[key]
        self._spend(len(text), self.entries[key].value)
        return text

    def _spend(self, characters: int, value: Value) -> None:
        self.budget.left -= characters
        if self.budget.left < 0:
            self._fail(value, None, "the references in this file expand to too much text")

    def _replacement(
        self, key: str, value: Value, match: re.Match[str], above: tuple[str, ...]
    ) -> str:
        """Return what replaces one `%`, `%%` or `%(key)s` of a value."""
        self._spend(1, value)
        if match.group() == "%%":
            return "%"
        if match.group(1) is None:
            hint = "write '%%' for a percent sign, or %(key)s to refer to another key"
            self._fail(value, match, "a single '%' has no meaning", hint)
        name = match.group(1).lower()
        if name not in self.entries:
            names = (entry.key for entry in self.entries.values())
            message = f"{quoted(match.group())} refers to a key that this section does not have"
            self._fail(value, match, message, self.problems.similar(name, names))
        if name == key or name in above:
            self._fail(value, match, f"{quoted(match.group(1))} refers to itself")
        if len(above) + 1 >= MAX_DEPTH:
            self._fail(value, match, f"references are nested more than {MAX_DEPTH} deep")
        return self._text(name, (*above, key))

    def _fail(
        self, value: Value, match: re.Match[str] | None, message: str, hint: str = ""
    ) -> NoReturn:
        span = value.span_at(match.start(), len(match.group())) if match else value.span
        self.problems.error(span, message, hint)
        raise _Failed(message)
