"""Horizontal bars of several parts, with a legend: plain HTML that follows the page's colors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convnet.html.elements import text

COLORS = 8  # classes c0, c1, ... of page.css


@dataclass(frozen=True)
class Bar:
    """A bar.  parts: (name, value) from the left; equal names have equal colors."""

    label: str
    parts: Sequence[tuple[str, float]]

    @property
    def total(self) -> float:
        """The length of the bar."""
        return sum(value for _, value in self.parts)


def bars(rows: Sequence[Bar], shown: Callable[[float], str]) -> str:
    """Return bars on a common scale, below their legend.  shown: a value as text."""
    names = list(dict.fromkeys(name for row in rows for name, value in row.parts if value > 0))
    colors = {name: f"c{number % COLORS}" for number, name in enumerate(names)}
    most = max((row.total for row in rows), default=0) or 1.0
    legend = "".join(
        f'<li><span class="key {color}"></span>{text(name)}</li>' for name, color in colors.items()
    )
    lines = "\n".join(_row(row, most, colors, shown) for row in rows)
    return f'<ul class="legend">{legend}</ul>\n<div class="bars">\n{lines}\n</div>'


def _row(row: Bar, most: float, colors: dict[str, str], shown: Callable[[float], str]) -> str:
    parts = "".join(
        f'<span class="{colors[name]}" style="width:{100 * value / most:.2f}%" '
        f'title="{text(name)}: {text(shown(value))}"></span>'
        for name, value in row.parts
        if value > 0
    )
    return (
        f'<span class="label">{text(row.label)}</span><span class="track">{parts}</span>'
        f'<span class="value">{text(shown(row.total))}</span>'
    )
