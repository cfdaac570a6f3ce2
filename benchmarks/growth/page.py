"""The page docs/growth.md: its tables and its picture, from stored results."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from convnet.drawing.scene import Scene
from convnet.drawing.svg import svg
from convnet.report.figures.line_plot import Line, Panel, plot
from convnet.report.page_tables import with_tables
from convnet.stored.files import replacing

PAGE = Path(__file__).parents[2] / "docs/growth.md"
PICTURE = PAGE.with_name("growth.svg")

Rows = list[dict]


class Look(NamedTuple):
    """How an axis is shown.  unit: its head in the table.  per_case: curves are times of a case."""

    title: str
    unit: str
    per_case: bool = False
    rival: str = "PyTorch"


LOOKS = {
    "minibatch": Look("The minibatch, cifar10-norm", "cases", per_case=True),
    "minibatch-alexnet": Look("The minibatch, alexnet-groups", "cases", per_case=True),
    "side": Look("The images' side, 32 cases", "side"),
    "convolutions": Look("Convolutions, 128 cases", "convolutions"),
    "filters": Look("Filters, 32 cases", "filters"),
    "devices": Look("Virtual devices", "devices", rival="one device"),
    "threads": Look("Threads", "threads"),
}
CURVES = ("minibatch", "minibatch-alexnet", "side", "convolutions", "filters")


def write_page(results: Path) -> None:
    """Write the picture, and the tables into the page, from a file of results."""
    found = json.loads(results.read_text("utf-8"))
    tables: dict[str, Callable[[], str]] = {
        f"growth-{axis}": partial(markdown, axis, found.get(axis, [])) for axis in LOOKS
    }
    tables["growth-machine"] = partial(_machine, found["machine"])
    with replacing(PICTURE) as temporary:
        temporary.write_text(svg(picture(found)), "utf-8")
    text = with_tables(PAGE.read_text("utf-8"), tables, str(PAGE))
    with replacing(PAGE) as temporary:
        temporary.write_text(text, "utf-8")


def _machine(facts: dict) -> str:
    return (
        f"Measured on {facts['cores']} cores of an {facts['processor']}, PyTorch {facts['torch']}, "
        f"Numba {facts['numba']}.\n"
    )


def markdown(axis: str, rows: Rows) -> str:
    """The table of an axis."""
    if not rows:
        return "Not measured yet.\n"
    unit, rival = LOOKS[axis].unit, LOOKS[axis].rival
    heads = [unit]
    for program in ("training", "test"):
        heads += [f"{program}, ms", rival, "ratio"]
    heads += ["training, MB", rival, "test, MB", rival]
    lines = [_line(heads), "|---" * len(heads) + "|"]
    for row in _ordered(rows):
        cells = [f"{int(row['what']):,}"]
        for program in ("training", "test"):
            cells += [_number(row[f"{program}{side}, ms"]) for side in ("", " of theirs")]
            low, high = row[f"{program} from"], row[f"{program} to"]
            cells.append(f"{row[f'{program} ratio']:.2f} ({low:.2f} to {high:.2f})")
        for program in ("training", "test"):
            cells += [f"{row[f'{program}{side}, MB']:,.0f}" for side in ("", " of theirs")]
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _ordered(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: int(row["what"]))


def picture(found: dict[str, Rows]) -> Scene:
    """Times along each axis of CURVES that was measured, and memory along the minibatch."""
    panels = [_panel(axis, found[axis], "ms") for axis in CURVES if found.get(axis)]
    if found.get("minibatch"):
        panels.insert(1, _panel("minibatch", found["minibatch"], "MB"))
    return plot(panels, "A step's time and memory", columns=2, height=200)


def _panel(axis: str, rows: Rows, unit: str) -> Panel:
    """unit: ms or MB."""
    look = LOOKS[axis]
    per_case = look.per_case and unit == "ms"
    lines = []
    for program, dashed in (("training", False), ("test", True)):
        for name, side, role in (("convnet", "", "line0"), ("PyTorch", " of theirs", "line1")):
            points = [
                (float(row["what"]),
                 row[f"{program}{side}, {unit}"] / (int(row["what"]) if per_case else 1))
                for row in _ordered(rows)
            ]  # fmt: skip
            lines.append(Line(f"{name}, {program}", points, role, marked=True, dashed=dashed))
    what = "memory" if unit == "MB" else "time of a case" if per_case else "time of a step"
    return Panel(f"{look.title}: {what}", look.unit, unit, lines, log=True, log_x=True)
