"""A scene as a picture."""

from itertools import pairwise

from PIL import Image, ImageDraw

from convnet.drawing.scene import Curve, Dot, Point, Polyline, Rectangle, Scene, Text
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
        for line in scene.polylines:
            self.polyline(line)
        for dot in scene.dots:
            self.dot(dot)
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

    def polyline(self, part: Polyline) -> None:
        color = blended(ink(part.role, self.theme), fill("paper", self.theme), part.opacity)
        width = max(1, round(part.width * self.scale))
        points = [(x * self.scale, y * self.scale) for x, y in part.points]
        if part.dashed:
            for start, end in pairwise(points):
                for piece in _dashes([start, end], 5 * self.scale, 4 * self.scale):
                    self.pen.line(piece, color, width)
        elif len(points) > 1:
            self.pen.line(points, color, width, joint="curve")

    def dot(self, part: Dot) -> None:
        x, y = part.center[0] * self.scale, part.center[1] * self.scale
        for radius, color in (
            (part.radius + 1, fill("paper", self.theme)),
            (part.radius, ink(part.role, self.theme)),
        ):
            r = radius * self.scale
            self.pen.ellipse((x - r, y - r, x + r, y + r), color)

    def text(self, part: Text) -> None:
        if part.upright:
            self.upright_text(part)
            return
        at = part.at[0] * self.scale, part.at[1] * self.scale
        color = ink(part.role, self.theme)
        shown = part.text.replace("×", "x")  # Pillow's font has no such sign
        self.pen.text(
            at, shown, color, font(part.size * self.scale), _ANCHORS[part.anchor],
            stroke_width=self.scale / 6 if part.bold else 0, stroke_fill=color,
        )  # fmt: skip

    def upright_text(self, part: Text) -> None:
        letters = font(part.size * self.scale)
        left, top, right, bottom = letters.getbbox(part.text, anchor="ls")
        mask = Image.new("L", (round(right - left) + 2, round(bottom - top) + 2), 0)
        ImageDraw.Draw(mask).text((-left, -top), part.text, 255, letters, anchor="ls")
        mask = mask.rotate(90, expand=True)
        x, y = part.at[0] * self.scale + top, part.at[1] * self.scale
        rise = {"start": mask.height, "middle": mask.height / 2, "end": 0}[part.anchor]
        ink_picture = Image.new("RGB", mask.size, ink(part.role, self.theme))
        self.image.paste(ink_picture, (round(x), round(y - rise)), mask)


def blended(color: str, paper: str, opacity: float) -> str:
    """Return a color on a background, both as #rrggbb, at an opacity of 0 to 1."""
    pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(paper[1:]), strict=True)
    return "#" + bytes(round(a * opacity + b * (1 - opacity)) for a, b in pairs).hex()


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
