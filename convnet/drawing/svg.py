"""A scene as SVG: text that a browser, an editor or LaTeX's tools can read."""

from xml.sax.saxutils import escape

from convnet.drawing.scene import Curve, Rectangle, Scene, Text
from convnet.drawing.style import ROLES, Theme, fill, ink

_FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def svg(scene: Scene, theme: Theme | None = None) -> str:
    """Return the text of an SVG file.

    theme: its colors; None follows the reader's preference for light or dark.
    """
    width, height = f"{scene.width:g}", f"{scene.height:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" class="convnet-drawing">',
        f"<title>{escape(scene.title)}</title>",
        f"<style>{_css(theme)}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *map(_rectangle, (r for r in scene.rectangles if r.role == "column")),
        *map(_curve, scene.curves),
        *map(_rectangle, (r for r in scene.rectangles if r.role != "column")),
        *map(_text, scene.texts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _css(theme: Theme | None) -> str:
    common = f".convnet-drawing text {{ font-family: {_FONTS}; }}"
    if theme:
        return f"{common}\n{_rules(theme)}"
    dark = _rules("dark")
    return f"{common}\n{_rules('light')}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(theme: Theme) -> str:
    rules = []
    for role in ROLES:
        color = ink(role, theme)
        here = f".convnet-drawing .{role}"
        if fill(role, theme):
            rules.append(f"{here} {{ fill: {fill(role, theme)}; stroke: {color}; }}")
        else:
            rules.append(f"{here} {{ stroke: {color}; }} {here}.solid {{ fill: {color}; }}")
            rules.append(f".convnet-drawing text.{role} {{ fill: {color}; stroke: none; }}")
    return "\n".join(rules)


def _rectangle(part: Rectangle) -> str:
    return (
        f'<rect class="{part.role}" x="{part.left:g}" y="{part.top:g}" width="{part.width:g}" '
        f'height="{part.height:g}" rx="{part.radius:g}"/>'
    )


def _curve(part: Curve) -> str:
    path = f"M{part.start[0]:g} {part.start[1]:g}"
    for a, b, end in part.pieces:
        path += f" C{a[0]:g} {a[1]:g} {b[0]:g} {b[1]:g} {end[0]:g} {end[1]:g}"
    dashes = ' stroke-dasharray="5 4"' if part.dashed else ""
    line = (
        f'<path class="{part.role}" d="{path}" fill="none" stroke-width="{part.width:g}"{dashes}/>'
    )
    if part.plain:
        return line
    points = " ".join(f"{x:g},{y:g}" for x, y in arrowhead(part))
    return f'{line}\n<polygon class="{part.role} solid" stroke="none" points="{points}"/>'


def _text(part: Text) -> str:
    weight = ' font-weight="600"' if part.bold else ""
    return (
        f'<text class="{part.role}" x="{part.at[0]:g}" y="{part.at[1]:g}" '
        f'font-size="{part.size}" text-anchor="{part.anchor}"{weight}>{escape(part.text)}</text>'
    )


def arrowhead(part: Curve) -> list[tuple[float, float]]:
    """Return the corners of the triangle at the end of a curve, in its direction."""
    a, b, end = part.pieces[-1]
    before = b if b != end else a
    x, y = end[0] - before[0], end[1] - before[1]
    length = (x * x + y * y) ** 0.5 or 1
    x, y = x / length, y / length
    return [
        end,
        (end[0] - 7 * x - 3.5 * y, end[1] - 7 * y + 3.5 * x),
        (end[0] - 7 * x + 3.5 * y, end[1] - 7 * y - 3.5 * x),
    ]
