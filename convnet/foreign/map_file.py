"""The map file: which layer of a file goes where, one `their-name our-layer` a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.targets import Target
from convnet.language import did_you_mean
from convnet.stored.files import plain_bytes

LEAVE = "-"
"""What stands in the place of a layer for those that are left out."""
_LARGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Line:
    """A line of a map file.  targets: () for a layer that is left out."""

    number: int
    theirs: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class LayerMap:
    """A map file whose names are those of a file and a network."""

    path: str
    lines: tuple[Line, ...] = ()

    def wrong(self, mistakes: Sequence[tuple[int, str]]) -> DataError:
        """Return the error that lists mistakes, each a line's number and what is wrong there."""
        return DataError("\n".join(f"{self.path}:{n}: {what}" for n, what in sorted(mistakes)))


def read_map(path: Path | str, file: ForeignFile, targets: Sequence[Target]) -> LayerMap:
    """Return the lines of a map file; `#` begins a comment.

    Several layers of ours, joined by +, split the outputs of one layer.  DataError that lists all
    mistakes with their lines.
    """
    shown = harmless(str(path))
    reader = _Reader(file, {target.name: target for target in targets})
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            reader.read(number, words)
    found = LayerMap(shown, tuple(reader.lines))
    if reader.mistakes:
        raise found.wrong(reader.mistakes)
    return found


def _text(path: Path | str) -> str:
    try:
        return plain_bytes(path, _LARGEST).decode()
    except UnicodeDecodeError:
        raise DataError(
            f"{harmless(str(path))}: is no text in UTF-8; a map file was expected"
        ) from None


class _Reader:
    def __init__(self, file: ForeignFile, targets: Mapping[str, Target]) -> None:
        self.file, self.targets = file, targets
        self.theirs = [layer.name for layer in file.layers]
        self.left = dict(file.left)
        self.lines: list[Line] = []
        self.mistakes: list[tuple[int, str]] = []
        self.used: dict[str, int] = {}

    def read(self, number: int, words: list[str]) -> None:
        if len(words) != 2:
            self.mistakes.append(
                (number, f"expected two names, their-name our-layer, found {len(words)}")
            )
            return
        theirs, ours = words
        problems = self._theirs(number, theirs)
        names = [] if ours == LEAVE else ours.split("+")
        for name in names:
            problems += self._ours(number, name)
        self.mistakes += [(number, problem) for problem in problems]
        if not problems:
            self.lines.append(Line(number, theirs, tuple(self.targets[name] for name in names)))

    def _theirs(self, number: int, name: str) -> list[str]:
        if name in self.left:
            return [f"{quoted(name)} cannot be taken: {self.left[name]}"]
        if name not in self.theirs:
            hint = did_you_mean(name, self.theirs) or _listed(self.theirs)
            return [f"the file has no layer {quoted(name)}; {hint}"]
        return self._once(number, f"layer {quoted(name)} of the file")

    def _ours(self, number: int, name: str) -> list[str]:
        if name not in self.targets:
            hint = did_you_mean(name, self.targets) or _listed(list(self.targets))
            return [f"the network has no layer {quoted(name)} with weights; {hint}"]
        return self._once(number, f"layer {quoted(name)} of the network")

    def _once(self, number: int, what: str) -> list[str]:
        if what in self.used:
            return [f"{what} is in line {self.used[what]} already"]
        self.used[what] = number
        return []


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(harmless, names[:12])) + ", ..." * (len(names) > 12)
    return f"there are {shown}"
