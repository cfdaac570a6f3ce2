"""The curves of runs: costs and errors by epochs, from their journals and as CSV files."""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path

from convnet.journal import FILE_NAME, read
from convnet.stored.files import replacing


@dataclass(frozen=True)
class Point:
    """Costs and errors (0 to 1) of one epoch.  test: on the data batch that the stage tests, None
    without a test."""

    epoch: int
    train_cost: float
    train_error: float
    test_cost: float | None
    test_error: float | None


def curve_of(folder: Path) -> list[Point]:
    """Return the whole epochs of a run, from its journal."""
    trained: dict[int, list] = {}
    tests: dict[int, dict] = {}
    for record in records_of(folder):
        if record["event"] == "train":
            # The record at the end of an epoch has a whole number and belongs to that epoch.
            trained.setdefault(-int(-round(record["epoch"], 3) // 1), []).append(record)
        elif record["event"] == "test":
            tests[round(record["epoch"])] = _numbers(record)
    whole = [epoch for epoch in sorted(trained) if epoch in tests]
    return [_point(epoch, trained[epoch], tests[epoch]) for epoch in whole]


def _point(epoch, trained, test):
    weights = [record["cases"] for record in trained]
    found = [_numbers(record) for record in trained]
    cost, error = (
        sum(w * numbers[key] for w, numbers in zip(weights, found, strict=True)) / sum(weights)
        for key in ("cost", "top-1 error")
    )
    return Point(
        epoch, round(cost, 4), round(error, 4), round(test["cost"], 4), test["top-1 error"]
    )


def _numbers(record):
    return next(iter(record["costs"].values()))


def records_of(folder: Path) -> list[dict]:
    """Return the journal of a run; nothing if it has none."""
    return read(folder) if (folder / FILE_NAME).is_file() else []


def write_curves(curves: dict[tuple[str, int], list[Point]], path: Path) -> None:
    """Write curves as CSV: net, seed, and a `Point` in each row."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["net", "seed", *Point.__dataclass_fields__])
        for (net, seed), points in curves.items():
            out.writerows([net, seed, *asdict(point).values()] for point in points)


def read_curves(path: Path) -> dict[tuple[str, int], list[Point]]:
    """Return the curves that `write_curves` wrote; none if there is no such file."""
    found: dict[tuple[str, int], list[Point]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                numbers = [float(row[key]) for key in Point.__dataclass_fields__ if key != "epoch"]
                point = Point(int(row["epoch"]), *numbers)
                found.setdefault((row["net"], int(row["seed"])), []).append(point)
    return found
