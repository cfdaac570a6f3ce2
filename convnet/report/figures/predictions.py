"""A picture of test images with their five most probable classes (paper, Figure 4, left)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from convnet.arithmetic import ceil_div
from convnet.report.figures.pen import FINE, INK, PAPER, Pen

SHOWN = 5
COLUMNS, CELL, SIDE = 6, 186, 150  # cells a row; pixels: width of a cell, side of its image
HEAD, NAME, ROW, GAP = 44, 28, 19, 18  # title; name below an image; a bar; between the cells
# Blue and orange differ for readers with any kind of color vision; green and red do not.
TRACK, BAR, RIGHT_BAR = (240, 242, 245), (192, 202, 220), (92, 168, 224)
RIGHT, WRONG = (0, 92, 168), (178, 76, 0)


@dataclass(frozen=True)
class Prediction:
    """An image, uint8 (channels, S, S), its probabilities by class, and its true class.

    label: None if the true class is not known; then `caption` is written in its place.
    """

    image: np.ndarray
    probabilities: np.ndarray
    label: int | None
    caption: str = ""

    @property
    def likeliest(self) -> list[int]:
        """The `SHOWN` most probable classes, the most probable first."""
        return np.argsort(-self.probabilities, kind="stable")[:SHOWN].tolist()

    @property
    def of_true(self) -> float:
        """The probability of the true class; 0 if there is none."""
        if self.label is None or not 0 <= self.label < len(self.probabilities):
            return 0.0
        return float(self.probabilities[self.label])

    @property
    def is_right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.likeliest[0] == self.label


def predictions_picture(
    predictions: list[Prediction], class_names: tuple[str, ...], title: str
) -> Image.Image:
    """Return a picture: below each image its true class, or its caption, and bars of its most
    probable classes.

    The bar of the true class is blue; its name is blue if it is the most probable one, else orange.
    If it is not among the bars, its probability stands beside the name.
    """
    columns = max(1, min(COLUMNS, len(predictions)))
    rows = ceil_div(len(predictions), columns)
    bars = min(SHOWN, len(class_names))
    height = SIDE + NAME + bars * ROW + GAP
    size = max(columns * (CELL + GAP) + GAP, 480), HEAD + rows * height
    large = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
    pen = Pen(ImageDraw.Draw(large))
    pen.text((GAP, HEAD / 2), title, 16)
    places = []
    for number, prediction in enumerate(predictions):
        row, column = divmod(number, columns)
        left, top = GAP + column * (CELL + GAP), HEAD + row * height
        _draw_bars(pen, prediction, class_names, left, top + SIDE)
        places.append((left + (CELL - SIDE) // 2, top))
    picture = large.resize(size, Image.Resampling.LANCZOS)
    for prediction, place in zip(predictions, places, strict=True):
        picture.paste(enlarged(prediction.image), place)
    return picture


def _draw_bars(pen, prediction, names, left, top):
    name, color = prediction.caption, INK
    if prediction.label is not None:
        name, color = class_name(names, prediction.label), RIGHT if prediction.is_right else WRONG
    hidden = prediction.label not in (None, *prediction.likeliest)
    beside = f": {_percent(prediction.of_true)}" if hidden else ""
    name = shortened(pen, name, CELL - pen.width(beside, 14), 14) + beside
    pen.text((left + CELL / 2, top + NAME / 2), name, 14, "mm", color)
    top += NAME
    for number, chosen in enumerate(prediction.likeliest):
        share = float(prediction.probabilities[chosen])
        y = top + number * ROW
        fill = RIGHT_BAR if chosen == prediction.label else BAR
        pen.box((left, y, left + CELL, y + ROW - 4), TRACK)
        pen.box((left, y, left + CELL * share, y + ROW - 4), fill)
        middle = y + (ROW - 4) / 2
        pen.text((left + 5, middle), shortened(pen, class_name(names, chosen), CELL - 50, 11), 11)
        pen.text((left + CELL - 5, middle), _percent(share), 11, "rm", INK)


def class_name(names: Sequence[str], label: int) -> str:
    """Return the name of a class; "class 7" for a label without a name."""
    return names[label] if 0 <= label < len(names) else f"class {label}"


def shortened(pen: Pen, text: str, room: float, size: int) -> str:
    """Return text, shortened until it is at most `room` pixels wide at that font size."""
    if pen.width(text, size) <= room:
        return text
    while text and pen.width(text + "...", size) > room:
        text = text[:-1]
    return text + "..."


def _percent(share):
    if share >= 0.1:
        return f"{share:.0%}"
    return f"{share:.1%}" if share >= 0.001 or not share else "<0.1%"


def enlarged(image: np.ndarray, side: int = SIDE) -> Image.Image:
    """Return an image, (channels, S, S), as a picture `side` wide; small ones stay sharp.

    Of two channels the first is drawn, of more than three the first three.  Images that are not
    uint8 are drawn from their least value, black, to their largest, white.
    """
    if image.dtype != np.uint8:
        shifted = image.astype(np.float64) - image.min()
        image = (shifted * (255 / (shifted.max() or 1))).round().astype(np.uint8)
    pixels = image[0] if len(image) < 3 else image[:3].transpose(1, 2, 0)
    shown = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    large = Image.Resampling.LANCZOS
    return shown.resize((side, side), Image.Resampling.NEAREST if shown.width < 100 else large)
