"""A scene as SVG: text that a browser, an editor or LaTeX's tools can read."""

from xml.sax.saxutils import escape

from convnet.drawing.scene import Curve, Dot, Polyline, Rectangle, Scene, Text
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
        f"<style>{_css(theme, _roles(scene))}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *map(_rectangle, (r for r in scene.rectangles if r.role == "column")),
        *map(_curve, scene.curves),
        *map(_rectangle, (r for r in scene.rectangles if r.role != "column")),
        *map(_polyline, scene.polylines),
        *map(_dot, scene.dots),
        *map(_text, scene.texts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _roles(scene: Scene) -> list[str]:
    """The roles that occur, so that the file holds no other rules."""
    found = {"paper", *(part.role for part in scene.rectangles)}
    found |= {part.role for part in scene.curves} | {part.role for part in scene.polylines}
    found |= {part.role for part in scene.dots} | {part.role for part in scene.texts}
    return [role for role in ROLES if role in found]


def _css(theme: Theme | None, roles: list[str]) -> str:
    common = f".convnet-drawing text {{ font-family: {_FONTS}; }}"
    if theme:
        return f"{common}\n{_rules(theme, roles)}"
    dark = _rules("dark", roles)
    return f"{common}\n{_rules('light', roles)}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(theme: Theme, roles: list[str]) -> str:
    rules = []
    for role in roles:
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


def _polyline(part: Polyline) -> str:
    points = " ".join(f"{x:.6g},{y:.6g}" for x, y in part.points)
    faint = f' stroke-opacity="{part.opacity:g}"' if part.opacity < 1 else ""
    dashes = ' stroke-dasharray="5 4"' if part.dashed else ""
    return (
        f'<polyline class="{part.role}" points="{points}" fill="none" '
        f'stroke-width="{part.width:g}" stroke-linejoin="round"{faint}{dashes}/>'
    )


def _dot(part: Dot) -> str:
    x, y = part.center
    ring = f'<circle class="paper" cx="{x:.6g}" cy="{y:.6g}" r="{part.radius + 1:g}"/>'
    return ring + (
        f'<circle class="{part.role} solid" cx="{x:.6g}" cy="{y:.6g}" r="{part.radius:g}"/>'
    )


def _text(part: Text) -> str:
    weight = ' font-weight="600"' if part.bold else ""
    x, y = part.at
    place = f'x="{x:g}" y="{y:g}"'
    if part.upright:
        place = f'transform="translate({x:g} {y:g}) rotate(-90)"'
    return (
        f'<text class="{part.role}" {place} '
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
