"""A scene as a picture."""

from PIL import Image, ImageDraw

from convnet.drawing.scene import Curve, Point, Rectangle, Scene, Text
from convnet.drawing.style import Theme, fill, ink
from convnet.drawing.svg import arrowhead
from convnet.drawing.text_width import font

FINE = 2  # painted larger by this factor, then reduced, so that lines are smooth
_STEPS = 24  # straight lines to a Bezier piece
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def picture(scene: Scene, theme: Theme = "light", scale: int = 2) -> Image.Image:
    """Return an RGB picture; scale: its pixels for one of the scene."""
    painter = _Painter(scene, theme, scale * FINE)
    size = round(scene.width * scale), round(scene.height * scale)
    return painter.image.resize(size, Image.Resampling.LANCZOS)


class _Painter:
    def __init__(self, scene: Scene, theme: Theme, scale: int) -> None:
        self.theme, self.scale = theme, scale
        size = round(scene.width * scale), round(scene.height * scale)
        self.image = Image.new("RGB", size, fill("paper", theme))
        self.pen = ImageDraw.Draw(self.image)
        for part in scene.rectangles:
            if part.role == "column":
                self.rectangle(part)
        for curve in scene.curves:
            self.curve(curve)
        for part in scene.rectangles:
            if part.role != "column":
                self.rectangle(part)
        for text in scene.texts:
            self.text(text)

    def rectangle(self, part: Rectangle) -> None:
        corners = part.left, part.top, part.left + part.width, part.top + part.height
        self.pen.rounded_rectangle(
            [corner * self.scale for corner in corners],
            part.radius * self.scale,
            fill(part.role, self.theme),
            ink(part.role, self.theme),
            self.scale,
        )

    def curve(self, part: Curve) -> None:
        color, width = ink(part.role, self.theme), round(part.width * self.scale)
        points = [(x * self.scale, y * self.scale) for x, y in polyline(part)]
        if part.dashed:
            for start, end in _dashes(points, 5 * self.scale, 4 * self.scale):
                self.pen.line([start, end], color, width)
        else:
            self.pen.line(points, color, width, joint="curve")
        if not part.plain:
            head = [(x * self.scale, y * self.scale) for x, y in arrowhead(part)]
            self.pen.polygon(head, color)

    def text(self, part: Text) -> None:
        at = part.at[0] * self.scale, part.at[1] * self.scale
        color = ink(part.role, self.theme)
        shown = part.text.replace("×", "x")  # Pillow's font has no such sign
        self.pen.text(
            at, shown, color, font(part.size * self.scale), _ANCHORS[part.anchor],
            stroke_width=self.scale / 6 if part.bold else 0, stroke_fill=color,
        )  # fmt: skip


def polyline(part: Curve) -> list[Point]:
    """Return points along a curve, from its start to its end."""
    points = [part.start]
    for a, b, end in part.pieces:
        start = points[-1]
        straight = start[0] == a[0] == b[0] == end[0]
        for step in range(_STEPS if straight else 1, _STEPS + 1):
            points.append(_bezier(start, a, b, end, step / _STEPS))
    return points


def _bezier(start: Point, a: Point, b: Point, end: Point, t: float) -> Point:
    s = 1 - t
    weights = s**3, 3 * s * s * t, 3 * s * t * t, t**3
    x, y = (sum(w * p[axis] for w, p in zip(weights, (start, a, b, end), strict=True))
            for axis in (0, 1))  # fmt: skip
    return x, y


def _dashes(points: list[Point], on: float, off: float) -> list[tuple[Point, Point]]:
    """Cut a straight line into dashes."""
    (x, y), (to_x, to_y) = points[0], points[-1]
    length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5 or 1
    across, down = (to_x - x) / length, (to_y - y) / length
    found, at = [], 0.0
    while at < length:
        end = min(at + on, length)
        found.append(((x + across * at, y + down * at), (x + across * end, y + down * end)))
        at = end + off
    return found
