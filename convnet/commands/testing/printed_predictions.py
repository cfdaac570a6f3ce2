"""The forms that `convnet predict` prints: a table, CSV or JSON."""

import csv
import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convnet.commands.output.console import result, result_json
from convnet.display import cells, harmless
from convnet.predict.find import Found, shown

_WIDEST = 60  # cells of a column of the table that are aligned


@dataclass(frozen=True)
class Facts:
    """What is printed: of which networks, and of their outputs.

    layer: whose outputs they are.  top: how many to print of each image.
    """

    checkpoints: tuple[str, ...]
    class_names: tuple[str, ...]
    layer: str
    is_softmax: bool
    views: int
    top: int

    def likeliest(self, values: np.ndarray) -> list[int]:
        """The positions of the largest outputs, the largest first."""
        return np.argsort(-values, kind="stable")[: self.top].tolist()

    @property
    def heading(self) -> str:
        """What the numbers are called."""
        return "probability" if self.is_softmax else "output"


class Printer(ABC):
    """Prints predictions one by one."""

    def __init__(self, facts: Facts):
        self.facts = facts

    @abstractmethod
    def add(self, path: Path, values: np.ndarray) -> None:
        """Print the outputs for an image: float64 (outputs,)."""

    def skip(self, path: Path, why: str) -> None:
        """Take note of an image that could not be read; the command says so itself."""
        return

    def end(self) -> None:
        """Print what is left."""
        return


def printer(facts: Facts, found: Found, as_json: bool, as_csv: bool) -> Printer:
    """Return the printer of the form wanted; by default a table."""
    if as_json:
        return _Json(facts, found)
    return _Csv(facts) if as_csv else _Table(facts, found)


class _Table(Printer):
    """A row for each image and class, with the file's name in the first row of an image."""

    def __init__(self, facts: Facts, found: Found):
        super().__init__(facts)
        self._files = _width([shown(path) for path in found.files], "file")
        self._classes = _width([harmless(name) for name in facts.class_names], "class")
        result(self._row("file", "class", facts.heading))

    def add(self, path: Path, values: np.ndarray) -> None:
        name, rows = shown(path), []
        for label in self.facts.likeliest(values):
            value = values[label]
            number = f"{value:.2%}" if self.facts.is_softmax else f"{value:.6g}"
            rows.append(self._row(name, harmless(self.facts.class_names[label]), number))
            name = ""
        result("\n".join(rows))

    def _row(self, file: str, name: str, number: str) -> str:
        width = len(self.facts.heading)
        return f"{_padded(file, self._files)}  {_padded(name, self._classes)}  {number:>{width}}"


def _width(texts: list[str], heading: str) -> int:
    return min(max(map(cells, [heading, *texts])), _WIDEST)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


class _Csv(Printer):
    """A row for each image and class: file, rank, label, class, probability."""

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._print([("file", "rank", "label", "class", facts.heading)])

    def add(self, path: Path, values: np.ndarray) -> None:
        name, names = shown(path), self.facts.class_names
        ranked = enumerate(self.facts.likeliest(values), 1)
        self._print([(name, n, label, names[label], float(values[label])) for n, label in ranked])

    @staticmethod
    def _print(rows: list[tuple[Any, ...]]) -> None:
        """Print rows by one call: each call writes to the terminal or the file at once."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        result(text.getvalue().rstrip("\n"))


class _Json(Printer):
    """An object, printed at the end."""

    def __init__(self, facts: Facts, found: Found):
        super().__init__(facts)
        self._images: list[dict[str, Any]] = []
        self._skipped = [_skipped(*each) for each in found.skipped]

    def add(self, path: Path, values: np.ndarray) -> None:
        key = self.facts.heading
        top = [
            {"label": label, "class": self.facts.class_names[label], key: float(values[label])}
            for label in self.facts.likeliest(values)
        ]
        self._images.append({"file": str(path), "top": top})

    def skip(self, path: Path, why: str) -> None:
        self._skipped.append(_skipped(path, why))

    def end(self) -> None:
        facts = self.facts
        result_json(
            {
                "checkpoints": facts.checkpoints,
                "layer": facts.layer,
                "softmax": facts.is_softmax,
                "views": facts.views,
                "images": self._images,
                "skipped": self._skipped,
            }
        )


def _skipped(path: Path, why: str) -> dict[str, str]:
    return {"file": str(path), "reason": why}
