"""The table of a sweep: for people, as JSON and as CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from convnet.display import harmless
from convnet.runs.table import duration, error_text
from convnet.sweep.results import By, Result, Row

OTHER: dict[By, By] = {"last": "best", "best": "last"}


def measure_of(rows: Sequence[Row]) -> str:
    """Return the name of the number that runs are judged by."""
    names = (result.measure for row in rows for result in row.results if result.measure)
    return next(names, "error")


def table_of_sweep(rows: Sequence[Row], by: By) -> Table:
    """Return a row for each combination: its values, errors, runs and time."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    keys = [key for key, _ in rows[0].combination.settings] if rows else []
    for key in keys:
        table.add_column(Text(harmless(key)), overflow="fold", min_width=min(len(key), 12))
    measure = measure_of(rows)
    for title in (f"{by} {measure}", f"{OTHER[by]} {measure}", "seeds", "time"):
        table.add_column(title, justify="right", overflow="fold", min_width=4)
    for row in rows:
        values = [value for _, value in row.combination.settings]
        errors = [_errors(row, each, measure) for each in (by, OTHER[by])]
        time = duration(row.seconds) if row.count("finished") else ""
        table.add_row(*(Text(harmless(cell)) for cell in [*values, *errors, _seeds(row), time]))
    return table


def notes(rows: Sequence[Row], by: By) -> list[str]:
    """Return lines about what the table means, and about runs that are missing in it."""
    lines = [
        f"sorted by the error of each run's {by} test; mean ± standard deviation over the seeds; "
        "time: mean of the runs"
    ]
    for state in ("failed", "running", "unfinished", "not started"):
        found = [r for row in rows for r in row.results if r.state == state]
        if state == "failed":
            lines += [f"failed: {result.run}: {short(result.reason)}" for result in found]
        elif found:
            lines.append(f"{state}: {len(found)} run{'s' * (len(found) != 1)}")
    return lines


def json_of_sweep(rows: Sequence[Row], by: By) -> dict[str, Any]:
    """Return all facts as JSON has them."""
    return {
        "measure": measure_of(rows),
        "sorted_by": by,
        "rows": [
            {
                "settings": dict(row.combination.settings),
                **_numbers(row),
                "runs": [_run(result) for result in row.results],
            }
            for row in rows
        ],
    }


def csv_of_sweep(rows: Sequence[Row]) -> str:
    """Return a line for each combination, below a line with the names of the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [key for key, _ in rows[0].combination.settings] if rows else []
    names = list(_numbers(rows[0])) if rows else []
    writer.writerow([*keys, *names])
    for row in rows:
        values = [value for _, value in row.combination.settings]
        numbers = ["" if number is None else number for number in _numbers(row).values()]
        writer.writerow([*values, *numbers])
    return out.getvalue()


def _errors(row: Row, by: By, measure: str) -> str:
    """Return "12.3% ± 0.4%"; without a deviation of a single run; "" without finished runs."""
    middle, deviation = row.mean(by), row.deviation(by)
    if middle is None:
        return ""
    shown = error_text(middle, measure)
    return shown if deviation is None else f"{shown} ± {error_text(deviation, measure)}"


def short(reason: str) -> str:
    """Return the first sentence of why a run failed."""
    return reason.partition(". ")[0]


def _seeds(row: Row) -> str:
    done, all_of_them = row.count("finished"), len(row.results)
    text = f"{done}" if done == all_of_them else f"{done} of {all_of_them}"
    failed = row.count("failed")
    return f"{text}, {failed} failed" if failed else text


def _numbers(row: Row) -> dict[str, float | None]:
    return {
        "seeds": len(row.results),
        "finished": row.count("finished"),
        "failed": row.count("failed"),
        "last_mean": row.mean("last"),
        "last_deviation": row.deviation("last"),
        "best_mean": row.mean("best"),
        "best_deviation": row.deviation("best"),
        "seconds": row.seconds if row.count("finished") else None,
    }


def _run(result: Result) -> dict[str, Any]:
    return {
        "folder": result.run.name,
        "seed": result.run.seed,
        "state": result.state,
        "reason": result.reason,
        "last": result.last,
        "best": result.best,
        "seconds": result.seconds,
    }
