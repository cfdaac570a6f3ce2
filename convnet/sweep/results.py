"""What became of a sweep's runs, and means over the seeds of each combination."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Literal

from convnet.runs.summary import RunSummary, summary_of
from convnet.sweep.failures import Failures
from convnet.sweep.grid import Combination, SweepRun
from convnet.sweep.specification import Specification

State = Literal["finished", "failed", "running", "unfinished", "not started"]
By = Literal["last", "best"]


@dataclass(frozen=True)
class Result:
    """A run.

    state: "finished": all epochs are trained, or it stopped at a plateau as asked; "failed":
    `reason` says why; "unfinished": it can be resumed.  last, best: the error of the newest and of
    the best test.  measure: the name of that number.  seconds: that all attempts took.
    """

    run: SweepRun
    state: State
    reason: str = ""
    last: float | None = None
    best: float | None = None
    measure: str = ""
    seconds: float = 0.0

    def error(self, by: By) -> float | None:
        """Return the error that counts, None unless the run is finished."""
        if self.state != "finished":
            return None
        return self.last if by == "last" else self.best


@dataclass(frozen=True)
class Row:
    """A combination with its runs, in the order of the seeds."""

    combination: Combination
    results: tuple[Result, ...]

    def errors(self, by: By) -> list[float]:
        """Return the errors of the finished runs."""
        errors = (result.error(by) for result in self.results)
        return [error for error in errors if error is not None]

    def mean(self, by: By) -> float | None:
        """Return the mean error of the finished runs, None if there are none."""
        errors = self.errors(by)
        return mean(errors) if errors else None

    def deviation(self, by: By) -> float | None:
        """Return the standard deviation of these errors, with n - 1; None for fewer than two."""
        errors = self.errors(by)
        return stdev(errors) if len(errors) > 1 else None

    def count(self, *states: State) -> int:
        """Return the number of runs in some states."""
        return sum(result.state in states for result in self.results)

    @property
    def seconds(self) -> float:
        """The mean time of the finished runs."""
        times = [result.seconds for result in self.results if result.state == "finished"]
        return mean(times) if times else 0.0


def result_of(folder: Path, run: SweepRun, failures: Failures) -> Result:
    """Return what became of a run of the sweep in a folder."""
    place = folder / run.name
    summary = summary_of(place) if place.is_dir() else None
    if summary is None:
        return Result(run, "not started")
    state, reason = _state(summary, run, failures)
    return Result(
        run,
        state,
        reason,
        summary.last_error,
        summary.error,
        summary.measure,
        summary.seconds,
    )


def results(folder: Path, sweep: Specification) -> list[Result]:
    """Return the results of all runs, in the order in which they are started."""
    failures = Failures.of(folder)
    return [result_of(folder, run, failures) for run in sweep.runs()]


def rows(found: Iterable[Result], by: By) -> list[Row]:
    """Return a row for each combination, the lowest mean error first; those without one last."""
    grouped: dict[Combination, list[Result]] = {}
    for result in found:
        grouped.setdefault(result.run.combination, []).append(result)
    made = [Row(combination, tuple(results)) for combination, results in grouped.items()]
    return sorted(made, key=lambda row: _order(row.mean(by)))


def _order(error: float | None) -> tuple[bool, float]:
    return error is None, error or 0.0


def _state(summary: RunSummary, run: SweepRun, failures: Failures) -> tuple[State, str]:
    if summary.state == "done" or (summary.state == "stopped" and summary.reason == "stuck"):
        return "finished", ""
    if summary.state == "running":
        return "running", ""
    failure = failures.found.get(run.name)
    if failure is not None:
        return "failed", failure.reason
    return "unfinished", summary.reason
