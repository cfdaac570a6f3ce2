"""What a parsed file consists of: SpecFile, Section, Entry; and formatting it as text again."""

import re
from dataclasses import dataclass, field
from functools import cached_property

from convnet.language.source import Source, Span
from convnet.language.values import Value


@dataclass(frozen=True)
class Entry:
    """One `key=value`; `key` is as it was written.

    written: where the value's lines stand, also if references in them are expanded; () if empty.
    """

    key: str = field(compare=False)
    key_span: Span = field(compare=False)
    value: Value
    written: tuple[Span, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Section:
    """One `[name]` with its entries by lower-case key, defaults of [DEFAULT] included."""

    name: str
    span: Span = field(compare=False)
    entries: dict[str, Entry]


@dataclass(frozen=True)
class SpecFile:
    """The sections of a file in the order in which their names first appear.

    defaults: the section [DEFAULT], which is none of them, if there is one.
    """

    source: Source = field(compare=False)
    sections: tuple[Section, ...]
    defaults: Section | None = field(default=None, compare=False)

    def get(self, name: str) -> Section | None:
        """Return the section of that name (case counts), or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Section]:
        return {section.name: section for section in self.sections}


def format_spec(spec_file: SpecFile) -> str:
    """Return text that parses to equal sections: references expanded, no comments."""
    return "\n".join(_section_text(section) for section in spec_file.sections)


def _section_text(section: Section) -> str:
    lines = [f"{entry.key}={_value_text(entry.value.text)}" for entry in section.entries.values()]
    return "\n".join([f"[{section.name}]", *lines]) + "\n"


def _value_text(text: str) -> str:
    if not text:
        return '""'
    lines = text.replace("%", "%%").split("\n")
    # Only on the first line do `""` and an inline comment mean something: begin on the next.
    if lines[0] == '""' or re.match(r"[^;]*[ \t];", lines[0]):
        lines.insert(0, "")
    return "\n    ".join(lines)
