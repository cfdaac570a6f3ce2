"""Writes the tables of docs/performance.md from stored results: `python -m benchmarks.cpu.page`.

The results are those of `python -m benchmarks.cpu` on two processors, and on the second one with
both sides limited to the vectors of the first.
"""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from convnet.report.page_tables import with_tables
from convnet.stored.files import replacing

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
RESULTS = Path(__file__).parents[1] / "results"
DIRECTIONS = ("forward",), ("images", "inputs", "backward"), ("weights",)  # a column each
LAYERS = ("conv", "rnorm", "pool", "fc")  # names of layers begin so; neurons' names have a _

Results = dict[str, list[dict]]


class Work(NamedTuple):
    """A row: a part of the results, its line there, and the least ratios wanted."""

    name: str
    part: str
    line: str
    wanted: tuple[float | None, float | None]  # with vectors of 32 bytes, of 64 bytes


_TRAINING, _TEST = "training step", "test"
WORK = (
    Work("AlexNet training step, 128 cases", "alexnet-groups", _TRAINING, (3.5, 3.2)),
    Work("AlexNet test step, 128 cases", "alexnet-groups", _TEST, (3.0, 3.0)),
    Work("AlexNet test step, 8 cases", "alexnet-groups, 8 cases", _TEST, (1.5, 1.5)),
    Work("AlexNet test step, 1 case", "alexnet-groups, 1 case", _TEST, (1.5, 1.5)),
    Work("AlexNet training step, 8 cases", "alexnet-groups, 8 cases", _TRAINING, (None, None)),
    Work("AlexNet training step, 1 case", "alexnet-groups, 1 case", _TRAINING, (None, None)),
    Work("digits net, training step, 64 cases", "digits", _TRAINING, (2.5, 2.2)),
    Work("digits net, test step", "digits", _TEST, (2.0, 2.0)),
    Work("CIFAR-10 net, training step, 128 cases", "cifar10", _TRAINING, (2.5, 2.2)),
    Work("CIFAR-10 net, test step", "cifar10", _TEST, (1.8, 1.6)),
    Work("the same with normalization, training step", "cifar10-norm", _TRAINING, (2.5, 2.2)),
    Work("the same with normalization, test step", "cifar10-norm", _TEST, (1.8, 1.6)),
)
MOST_MEMORY = 0.9  # of PyTorch's, for a training of AlexNet
FILES = {"cpu": 0, "cpu-avx512": 1, "cpu-limited-to-avx2": 0}  # with the column of `wanted`


def networks(folder: Path) -> str:
    """The table of steps of whole networks, on each processor."""
    found = {name: read(folder / f"{name}.json") for name in FILES}
    lines = [
        "| work, two threads, float32 | AVX2 | goal | AVX-512 | goal | limited to AVX2 | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    for work in WORK:
        cells = [
            _step(row_of(found[name], work.part, work.line), work.wanted[column])
            for name, column in FILES.items()
        ]
        lines.append(f"| {work.name} | {' | '.join(cells)} |")
    cells = [_memory(row_of(results, "alexnet-groups", _TRAINING)) for results in found.values()]
    name = "memory of AlexNet training, 128 cases, convnet / PyTorch"
    return "\n".join([*lines, f"| {name} | {' | '.join(cells)} |"]) + "\n"


def layers(folder: Path) -> str:
    """The table of the layers of AlexNet but for elementwise ones, with vectors of 32 bytes."""
    rows = read(folder / "cpu.json").get("alexnet-layers", [])
    ratios = {tuple(row["what"].rsplit(" ", 1)): f"{row['ratio']:.2f}" for row in rows}
    lines = [
        "| layer | forward | gradient of the inputs | gradient of the weights |",
        "|---|---|---|---|",
    ]
    for name in dict.fromkeys(name for name, _ in ratios):
        if not name.startswith(LAYERS) or "_" in name:
            continue
        cells = [
            next((ratios[name, way] for way in column if (name, way) in ratios), "")
            for column in DIRECTIONS
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _step(row: dict | None, wanted: float | None) -> str:
    """The ratio with its extremes, and the goal."""
    if row is None:
        return " | "
    ratio = f"{row['ratio']:.2f} ({row['from']:.2f} to {row['to']:.2f})"
    return f"{ratio} | {_goal(wanted, row['ratio'] >= (wanted or 0))}"


def _memory(row: dict | None) -> str:
    if row is None:
        return " | "
    ours, theirs = row["MB"], row["theirs, MB"]
    met = ours <= MOST_MEMORY * theirs
    return f"{ours / theirs:.2f} ({ours:.0f} of {theirs:.0f} MB) | {_goal(MOST_MEMORY, met)}"


def _goal(wanted, met) -> str:
    if wanted is None:
        return ""
    return f"{wanted:g}" if met else f"{wanted:g}, **missed**"


def read(path: Path) -> Results:
    """Return stored results; none if there is no such file."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def row_of(results: Results, part: str, line: str) -> dict | None:
    """Return a line of a part of the results, None if it was not measured."""
    return next((row for row in results.get(part, []) if row["what"] == line), None)


TABLES = {"cpu-networks": networks, "cpu-layers": layers}


def written(text: str, folder: Path) -> str:
    """Return the page with its tables as the results in a folder have them."""
    tables = {name: partial(function, folder) for name, function in TABLES.items()}
    return with_tables(text, tables, str(PAGE))


@click.command(help=__doc__)
def main():
    text = written(PAGE.read_text("utf-8"), RESULTS)
    with replacing(PAGE) as temporary:
        temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
