"""A plot of the training curves: errors by epochs, a panel for nets that train about as long."""

from collections.abc import Mapping, Sequence

from convnet.drawing import svg
from convnet.drawing.style import LINES
from convnet.report.figures.line_plot import Line, Panel, plot
from examples.curves import Point

Curves = Mapping[tuple[str, int], Sequence[Point]]  # by net and seed
MOST_POINTS = 180  # of a line
_LONGER = 2  # a panel has nets whose epochs differ by less than this factor
_HEIGHT = 230


def curves_svg(curves: Curves, title: str) -> str:
    """Return an SVG file of the curves.

    Each net has a color: the test error of its first seed, that of other seeds fainter, and dashed
    the training error of the first seed.
    """
    panels = [_panel(nets, curves) for nets in together(curves)]
    return svg(plot(panels, title, height=_HEIGHT))


def together(curves: Curves) -> list[list[str]]:
    """Return the nets of each panel, those with the fewest epochs first."""
    longest: dict[str, int] = {}
    for (net, _), points in curves.items():
        if points:
            longest[net] = max(longest.get(net, 0), points[-1].epoch)
    found: list[list[str]] = []
    for net in sorted(longest, key=longest.__getitem__):
        if found and longest[net] < _LONGER * longest[found[-1][0]]:
            found[-1].append(net)
        else:
            found.append([net])
    return found


def _panel(nets: list[str], curves: Curves) -> Panel:
    lines: list[Line] = []
    for role, net in zip(LINES * len(nets), nets, strict=False):
        first, *others = sorted(seed for name, seed in curves if name == net)
        points = curves[net, first]
        tests = [(p.epoch, p.test_error) for p in points if p.test_error is not None]
        lines.append(Line(f"{net}, test", thinned(tests), role))
        trained = [(p.epoch, p.train_error) for p in points]
        lines.append(Line(f"{net}, training", thinned(trained), role, dashed=True))
        for seed in others:
            tests = [(p.epoch, p.test_error) for p in curves[net, seed] if p.test_error is not None]
            lines.append(Line("", thinned(tests), role, faint=True))
    return Panel(", ".join(nets), "epochs", "error", lines, percent=True)


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `MOST_POINTS` and one, evenly spread; the last one is among them."""
    every = -(-len(points) // MOST_POINTS) or 1
    return list(points[::every]) + ([points[-1]] if (len(points) - 1) % every else [])
