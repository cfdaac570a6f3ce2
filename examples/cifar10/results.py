"""What the runs of a folder came to: a record for each net and seed, and its curve by epochs."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from convnet.journal import FILE_NAME, read
from convnet.stored.files import replacing
from examples.cifar10.nets import Net
from examples.cifar10.training import Place, epochs_done, scores


@dataclass(frozen=True)
class Result:
    """One run.  Errors are shares of all images, 0 to 1.

    epochs, of: done and planned.  test_error: on one view, the center.  views, views_error: on
    several, if the net is tested so.  train_error: of the last epoch.  The test errors are None
    until the run is finished.  seconds: spent training.  images_per_second: the median of the
    journal's records.
    """

    net: str
    seed: int
    epochs: float
    of: int
    test_error: float | None
    views: int
    views_error: float | None
    train_error: float | None
    seconds: float
    images_per_second: float

    @property
    def error(self) -> float | None:
        """The error to compare with the published one."""
        return self.test_error if self.views_error is None else self.views_error


@dataclass(frozen=True)
class Point:
    """Costs and errors (0 to 1) of one epoch.  test: on the data batch that the stage tests, None
    without a test."""

    epoch: int
    train_cost: float
    train_error: float
    test_cost: float | None
    test_error: float | None


def result_of(net: Net, seed: int, place: Place) -> Result:
    """Return the result of a run so far; it is tested first if it is finished."""
    folder = place.folder(net, seed)
    epochs, of = epochs_done(folder), place.stages(net)[-1].until
    trained = [r for r in _records(folder) if r["event"] == "train"]
    curve = curve_of(folder)
    by_views = (
        {t["views"]: t["top1_error"] for t in scores(net, seed, place)} if epochs >= of else {}
    )
    views = max(by_views, default=1)
    return Result(
        net=net.name,
        seed=seed,
        epochs=round(epochs, 3),
        of=of,
        test_error=by_views.get(1),
        views=views,
        views_error=by_views[views] if views > 1 else None,
        train_error=curve[-1].train_error if curve else None,
        seconds=round(sum(r.get("seconds", 0.0) for r in trained), 1),
        images_per_second=round(median(r.get("images_per_second", 0.0) for r in trained), 1)
        if trained
        else 0.0,
    )


def curve_of(folder: Path) -> list[Point]:
    """Return the whole epochs of a run, from its journal."""
    trained: dict[int, list] = {}
    tests: dict[int, dict] = {}
    for record in _records(folder):
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


def _records(folder):
    return read(folder) if (folder / FILE_NAME).is_file() else []


# -- files -----------------------------------------------------------------------------------------


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


# -- the table -------------------------------------------------------------------------------------


def table(results: list[Result], nets: Iterable[Net], with_missing: bool = False) -> str:
    """Return a Markdown table with a row for each net that has runs; or for each, if asked."""
    lines = [
        "| net | published | here: mean (range) | seeds | epochs | hours a run | images a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for net in nets:
        mine = [result for result in results if result.net == net.name]
        if mine:
            lines.append(_row(net, mine))
        elif with_missing:
            of = net.stages[-1].until
            lines.append(f"| {net.name} | {net.published:g} % | not run yet | 0 | {of} |  |  |")
    return "\n".join(lines) + "\n"


def _row(net, results):
    done = [result for result in results if result.error is not None]
    unfinished = [result for result in results if result.error is None]
    errors = [result.error for result in done]
    views = f", {done[0].views} views" if net.crops and done else ""
    shown = f"{spread(errors)}{views}" if errors else "not finished"
    seeds = f"{len(done)}" + "".join(
        f"; seed {r.seed} at epoch {r.epochs:.0f} of {r.of}" for r in unfinished
    )
    hours = f"{mean(r.seconds for r in done) / 3600:.2f}" if done else ""
    speed = f"{median(r.images_per_second for r in results):,.0f}"
    return (
        f"| {net.name} | {net.published:g} % | {shown} | {seeds} | {results[0].of} | {hours} | "
        f"{speed} |"
    )


def spread(errors: list[float]) -> str:
    """Return the mean, and the range of several, in percent."""
    whole = f"{100 * mean(errors):.2f} %"
    if len(errors) == 1:
        return whole
    return f"{whole} ({100 * min(errors):.2f} to {100 * max(errors):.2f})"
