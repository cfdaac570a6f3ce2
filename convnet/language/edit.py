"""Edits single values of a file's text; all else, comments too, stays as it is."""

from dataclasses import dataclass, field

from convnet.language.source import Mark, Source
from convnet.language.specfile import Entry, Section, SpecFile


@dataclass
class _Changes:
    """What becomes of a line.

    replaced: columns from..to and their new text, which `option` gave.  added: lines below it, each
    with the option that gave it.
    """

    replaced: tuple[int, int, str] | None = None
    option: str = ""
    is_gone: bool = False
    added: list[tuple[str, str]] = field(default_factory=list)


class Editor:
    """Collects edits of a parsed file and makes the new text of it."""

    def __init__(self, file: SpecFile) -> None:
        self._file = file
        self._changes: dict[int, _Changes] = {}

    def set(self, name: str, key: str, text: str, option: str = "") -> None:
        """Set a key of a section.  Call it once for each key.

        A key that the section has, as its own, gets the new value where it stands; any other is
        added below the section's own keys, and a section that is missing at the end of the file.

        Parameters:
            name: Of the section; "DEFAULT" for the keys that apply in every section.
            key: As it is written if it is new.
            text: The value as a file would have it, in one line.
            option: What errors in the value name as their place; "" for the edited line.
        """
        section = self._file.defaults if name == "DEFAULT" else self._file.get(name)
        if section is None:
            last, lines = len(self._file.source.lines), [f"[{name}]", f"{key}={text}"]
            ends_in_newline = not self._file.source.line(last)
            self._add(last, [*lines, ""] if ends_in_newline else ["", *lines], option)
            return
        entry = section.entries.get(key.lower())
        if entry is not None and self._is_own(section, entry):
            self._replace(entry, text, option)
        else:
            self._add(self._last_line(section), [f"{key}={text}"], option)

    def source(self) -> Source:
        """Return the text with all edits; with none, that of the file."""
        old = self._file.source
        if not self._changes:
            return old
        lines: list[str] = []
        numbers: list[int] = []
        marks: list[Mark] = []
        for number, line in enumerate(old.lines, 1):
            change = self._changes.get(number, _Changes())
            if not change.is_gone:
                lines.append(_edited(line, change))
                numbers.append(old.number(number))
                marks += _marks(old, number, change, len(lines))
            for added, option in change.added:
                lines.append(added)
                numbers.append(old.number(number))
                if option and added:
                    marks.append(Mark(len(lines), 1, len(added), option))
        return Source(old.path, "\n".join(lines), tuple(marks), tuple(numbers))

    def _is_own(self, section: Section, entry: Entry) -> bool:
        """Whether an entry stands in its section, not in [DEFAULT]."""
        defaults = self._file.defaults
        if defaults is None or defaults is section:
            return True
        default = defaults.entries.get(entry.key.lower())
        return default is None or default.key_span != entry.key_span

    def _last_line(self, section: Section) -> int:
        """The last line of a section's own keys, or its header."""
        own = (entry for entry in section.entries.values() if self._is_own(section, entry))
        spans = (span for entry in own for span in (entry.key_span, *entry.written))
        return max((span.line for span in spans), default=section.span.line)

    def _replace(self, entry: Entry, text: str, option: str) -> None:
        if entry.written:
            first, *rest = entry.written
            start, stop = first.column - 1, first.column - 1 + first.width
        else:  # behind the separator
            first, rest = entry.value.span, []
            start = stop = first.column - 1
        self._change(first.line).replaced = (start, stop, text)
        self._change(first.line).option = option
        for span in rest:
            self._change(span.line).is_gone = True

    def _add(self, line: int, lines: list[str], option: str) -> None:
        self._change(line).added += [(text, option) for text in lines]

    def _change(self, line: int) -> _Changes:
        return self._changes.setdefault(line, _Changes())


def _edited(line: str, change: _Changes) -> str:
    if change.replaced is None:
        return line
    start, stop, text = change.replaced
    return line[:start] + text + line[stop:]


def _marks(old: Source, number: int, change: _Changes, line: int) -> list[Mark]:
    """The marks of a line that stays; it gets the number `line`."""
    if change.replaced is None:
        return [Mark(line, m.column, m.width, m.option) for m in old.marks if m.line == number]
    start, _, text = change.replaced
    return [Mark(line, start + 1, len(text), change.option)] if change.option else []
