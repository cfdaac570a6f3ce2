"""`%(key)s` and `%%` in values, and the keys that [DEFAULT] gives to every section (dialect, 1)."""

import re

from convnet.language.display import quoted
from convnet.language.problems import Problems, did_you_mean
from convnet.language.specfile import Entry, Section
from convnet.language.values import Value

MAX_DEPTH = 10
# Bounds on what a small file can blow up to: characters of expanded values, default entries.
MAX_EXPANDED = 4_000_000
MAX_DEFAULTS = 1_000_000

_REFERENCE = re.compile(r"%(?:%|\(([^()\n]*)\)s)?")


class _Failed(Exception):
    """A reference could not be expanded; the reason is the message."""


def resolve(sections: list[Section], defaults: dict[str, Entry], problems: Problems):
    """The sections with the defaults added and all references expanded, as a tuple."""
    if len(sections) * len(defaults) > MAX_DEFAULTS:
        first = next(iter(defaults.values()))
        message = f"[DEFAULT] gives {len(defaults)} keys to {len(sections)} sections: too many"
        problems.error(first.key_span, message)
        defaults = {}
    budget = [MAX_EXPANDED]
    return tuple(_resolved(section, defaults, budget, problems) for section in sections)


def _resolved(section, defaults, budget, problems) -> Section:
    missing = {key: entry for key, entry in defaults.items() if key not in section.entries}
    expander = _Expander(section.entries | missing, budget, problems)
    return Section(section.name, section.span, expander.all())


class _Expander:
    """Expands the entries of one section; each key once."""

    def __init__(self, entries: dict[str, Entry], budget: list[int], problems: Problems):
        self.entries = entries
        self.budget = budget
        self.problems = problems
        self.done: dict[str, str] = {}

    def all(self) -> dict[str, Entry]:
        return {key: self._entry(key, entry) for key, entry in self.entries.items()}

    def _entry(self, key, entry):
        if "%" not in entry.value.text:
            return entry
        try:
            text = self._text(key, ())
        except _Failed:
            return entry
        lines = (line.strip() for line in text.split("\n"))
        value = Value("\n".join(line for line in lines if line), entry.value.span)
        return Entry(entry.key, entry.key_span, value)

    def _text(self, key: str, above: tuple[str, ...]) -> str:
        """The expanded text of a key.  `above`: the keys whose expansion asks for it."""
        if key not in self.done:
            value = self.entries[key].value
            parts, end = [], 0
            for match in _REFERENCE.finditer(value.text):
                parts += value.text[end : match.start()], self._one(key, value, match, above)
                end = match.end()
            self.done[key] = "".join(parts) + value.text[end:]
        text = self.done[key]
        self._spend(len(text), self.entries[key].value)
        return text

    def _spend(self, cost: int, value: Value):
        self.budget[0] -= cost
        if self.budget[0] < 0:
            self._fail(value, None, "the references of this file expand too far")

    def _one(self, key, value, match, above) -> str:
        self._spend(1, value)
        if match.group() == "%%":
            return "%"
        if match.group(1) is None:
            hint = "write '%%' for a percent sign, or %(key)s to refer to another key"
            self._fail(value, match, "a single '%' has no meaning", hint)
        name = match.group(1).lower()
        if name not in self.entries:
            names = [entry.key for entry in self.entries.values()]
            message = f"{quoted(match.group())} refers to a key that this section does not have"
            self._fail(value, match, message, did_you_mean(name, names))
        if name == key or name in above:
            self._fail(value, match, f"{quoted(match.group(1))} refers to itself")
        if len(above) + 1 >= MAX_DEPTH:
            self._fail(value, match, f"references go more than {MAX_DEPTH} deep")
        return self._text(name, (*above, key))

    def _fail(self, value, match, message, hint=""):
        span = value.place(match.start(), len(match.group())) if match else value.span
        self.problems.error(span, message, hint)
        raise _Failed(message)
