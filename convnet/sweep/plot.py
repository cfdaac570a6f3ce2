"""The plot of a sweep: error against the values of one numeric key, or against combinations."""

from collections.abc import Sequence

from convnet.display import harmless
from convnet.drawing.scene import Scene
from convnet.language.fields import DECIMAL
from convnet.report.figures.spread import MOST_ROWS, Group, Words, draw_spread
from convnet.sweep.results import By, Row
from convnet.sweep.table import measure_of

FILE_NAME = "sweep.svg"


def draw_sweep(rows: Sequence[Row], by: By, title: str) -> Scene:
    """Return the plot of a sweep's table, in its order.  by: which error is shown."""
    key = _numeric_key(rows)
    groups = [_group(row, by, key) for row in rows]
    measure = measure_of(rows)
    left = len(rows) - MOST_ROWS
    more = f"; {left} more combinations are in the table" if key is None and left > 0 else ""
    words = Words(
        harmless(f"{title}{more}"),
        f"{measure} of the {by} test",
        harmless(key or ""),
        measure.endswith("error"),
    )
    return draw_spread(groups, words)


def _group(row: Row, by: By, key: str | None) -> Group:
    values = dict(row.combination.settings)
    at = None if key is None else float(values[key])
    label = harmless(str(row.combination))
    return Group(label, tuple(row.errors(by)), at, row.count("failed"))


def _numeric_key(rows: Sequence[Row]) -> str | None:
    """The key whose values are numbers, if the sweep has no other key; else None."""
    keys = {key for row in rows for key, _ in row.combination.settings}
    if len(keys) != 1 or len(rows) < 2:
        return None
    texts = [value for row in rows for _, value in row.combination.settings]
    return keys.pop() if all(map(DECIMAL.match, texts)) else None
