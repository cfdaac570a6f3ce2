"""The picture of a confusion matrix: rows are true classes, columns predicted ones."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from convnet.arithmetic import ceil_div
from convnet.report.confusion_counts import ConfusionCounts, Pair
from convnet.report.figures.color_scale import FROM_LIGHT, ColorScale, draw_bar
from convnet.report.figures.pen import FINE, INK, PAPER, Pen
from convnet.report.figures.predictions import shortened

# Pixels of a cell by the largest number of classes that it suits, and the size of its numbers.
CELLS = ((12, 46, 13), (25, 32, 11), (60, 20, 8), (120, 11, 0))
LARGE = 1100  # side of the matrix of more classes
HEAD, MARGIN, AXIS, GAP = 44, 18, 24, 10  # title; rim; a name of an axis; between parts
NAMES, BARS, PAIRS = 150, 92, 330  # widths at most: names of classes, errors, pairs
BAR_WIDTH = 44  # of an error of 100 %
LEAST_LABEL, LINE = 11, 18  # pixels from one name to the next; height of a line of text
LISTED = 20  # pairs, and of many classes the worst ones
BAR, TRACK, EMPTY = (213, 110, 40), (240, 242, 245), (232, 232, 232)
MARKS = (0.0, 0.01, 0.1, 0.25, 0.5, 1.0)
SCALE = ColorScale(0.0, 1.0, FROM_LIGHT, rooted=True)


@dataclass(frozen=True)
class _Layout:
    """Where the parts of the picture are.  cell: pixels of a class, less than 1 of very many.

    left, top: of the matrix; side: its width and height; digits: size of the numbers in its cells,
    0 for none; every: one class of so many is named.
    """

    cell: float
    left: int
    top: int
    side: int
    digits: int
    every: int

    @property
    def font(self) -> int:
        """The size of the names of classes."""
        return int(min(13, max(9, self.cell * self.every - 2)))

    def middle(self, label: int) -> float:
        """Return how far the middle of a class is from the beginning of the matrix."""
        return (label + 0.5) * self.cell


def confusion_picture(confusion: ConfusionCounts) -> Image.Image:
    """Return the matrix, the error of each class, and the most confused pairs.

    The color of a cell is the share of its true class, on the scale of a square root, so that few
    confused cases are visible.  The counts are written where they fit.  Of more than 120 classes
    some are named.  Of more classes than pixels, neighboring ones share a pixel.
    """
    layout = _layout(confusion)
    pairs = confusion.pairs(min(LISTED, layout.side // LINE))
    width = layout.left + layout.side + GAP + BARS + GAP + (PAIRS if pairs else BARS) + MARGIN
    size = width, layout.top + layout.side + 84
    large = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
    pen = Pen(ImageDraw.Draw(large))
    pen.text((MARGIN, HEAD / 2), shortened(pen, _title(confusion), width - 2 * MARGIN, 17), 17)
    _write_axes(pen, large, confusion, layout)
    _write_errors(pen, confusion, layout)
    _write_pairs(pen, confusion, pairs, layout)
    _write_scale(pen, layout)
    picture = large.resize(size, Image.Resampling.LANCZOS)
    picture.paste(_matrix(confusion, layout.side), (layout.left, layout.top))
    return _with_counts(picture, confusion, layout) if layout.digits else picture


def _title(confusion) -> str:
    total = int(confusion.cases.sum())
    error = f", error {confusion.error:.2%}" if total else ""
    unknown = f"; {confusion.unknown:,} of no class are left out" if confusion.unknown else ""
    about = f": {confusion.title}" if confusion.title else ""  # last, since it may be cut
    return f"{total:,} cases, {confusion.classes:,} classes{error}{unknown}{about}"


def _layout(confusion) -> _Layout:
    count = max(1, confusion.classes)
    found = next((each for each in CELLS if count <= each[0]), None)
    cell, digits = (found[1], found[2]) if found else (LARGE / count, 0)
    if digits and len(f"{confusion.entries[:, 2].max(initial=0)}") * digits * 0.65 > cell - 2:
        digits = 0
    whole = int(cell) if cell >= 2 else cell
    side = round(whole * count)
    every = max(1, ceil(LEAST_LABEL / whole))
    font = ImageFont.load_default(13)
    names = [font.getlength(confusion.name(n)) for n in range(0, confusion.classes, every)]
    room = int(min(NAMES, max(names, default=0))) + GAP
    return _Layout(whole, MARGIN + AXIS + room, HEAD + AXIS + room, side, digits, every)


# -- the matrix ------------------------------------------------------------------------------------


def row_shares(confusion: ConfusionCounts, most: int) -> np.ndarray:
    """Return the shares of each true class, NaN without cases; at most `most` rows and columns.

    Of more classes, neighboring ones are added up first.
    """
    together = ceil_div(max(1, confusion.classes), most)
    side = ceil_div(max(1, confusion.classes), together)
    counts = np.zeros((side, side))
    rows, columns, numbers = confusion.entries.T
    np.add.at(counts, (rows // together, columns // together), numbers)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), np.nan)


def _matrix(confusion: ConfusionCounts, side: int) -> Image.Image:
    shares = row_shares(confusion, side)
    pixels = SCALE.shade(shares)
    pixels[np.isnan(shares)] = EMPTY
    picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    if side // len(shares) >= LEAST_LABEL:
        step = side // len(shares)
        for place in range(0, side, step):
            draw.line((place, 0, place, side), (225, 225, 225))
            draw.line((0, place, side, place), (225, 225, 225))
    draw.rectangle((0, 0, side - 1, side - 1), outline=INK)
    return picture


def _with_counts(picture, confusion, layout) -> Image.Image:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(layout.digits)
    for true, predicted, count in confusion.entries.tolist():
        share = count / int(confusion.cases[true])
        fill = PAPER if float(SCALE.place(np.array(share))) > 0.55 else INK
        at = layout.left + layout.middle(predicted), layout.top + layout.middle(true)
        draw.text(at, f"{count}", fill=fill, font=font, anchor="mm")
    return picture


# -- what stands around it -------------------------------------------------------------------------


def _write_axes(pen, large, confusion, layout):
    room, size = layout.left - MARGIN - AXIS - GAP, layout.font
    named = range(0, confusion.classes, layout.every)
    names = [shortened(pen, confusion.name(label), room, size) for label in named]
    is_flat = all(pen.width(name, size) < layout.cell - 4 for name in names)
    for label, name in zip(named, names, strict=True):
        y = layout.top + layout.middle(label)
        pen.text((layout.left - GAP, y), name, size, "rm")
        x = layout.left + layout.middle(label)
        if is_flat:
            pen.text((x, layout.top - GAP), name, size, "mm")
        else:
            _upright(large, (x, layout.top - GAP / 2), name, size)
    middle = layout.side / 2
    pen.text((layout.left + middle, HEAD + AXIS / 2 - 4), "predicted class", 13, "mm")
    _upright(large, (MARGIN + AXIS / 2 - 4, layout.top + middle), "true class", 13, centered=True)


def _upright(large: Image.Image, at, text: str, size: int, centered: bool = False) -> None:
    """Write text from bottom to top; at: the middle of its lower end, or of the text."""
    font = ImageFont.load_default(size * FINE)
    left, top, right, bottom = font.getbbox(text, anchor="lm")
    mask = Image.new("L", (ceil(right - left) + 2, ceil(bottom - top) + 2), 0)
    ImageDraw.Draw(mask).text((-left, mask.height / 2), text, fill=255, font=font, anchor="lm")
    mask = mask.rotate(90, expand=True)
    rise = mask.height / 2 if centered else mask.height
    corner = round(at[0] * FINE - mask.width / 2), round(at[1] * FINE - rise)
    large.paste(Image.new("RGB", mask.size, INK), corner, mask)


def _write_errors(pen, confusion, layout):
    """Write the error of each class as a bar with its number; of many classes, list the worst."""
    if layout.cell < LEAST_LABEL:
        _write_worst(pen, confusion, layout)
        return
    left = layout.left + layout.side + GAP
    pen.text((left, layout.top - GAP), "error", 11)
    for label, error in enumerate(confusion.errors.tolist()):
        y, half = layout.top + layout.middle(label), min(9.0, layout.cell / 2 - 1)
        if np.isnan(error):
            pen.text((left, y), "no cases", layout.font)
            continue
        pen.box((left, y - half, left + BAR_WIDTH, y + half), TRACK)
        pen.box((left, y - half, left + BAR_WIDTH * error, y + half), BAR if error else TRACK)
        pen.text((left + BARS - 3, y), f"{error:.1%}", layout.font, "rm")


def _write_worst(pen, confusion: ConfusionCounts, layout):
    """List the classes with the largest errors, below the most confused pairs."""
    left = layout.left + layout.side + GAP + BARS + 2 * GAP
    top = layout.top + (LISTED + 2) * LINE
    pen.text((left, top - GAP), "largest errors: error, cases, class", 11)
    errors = np.nan_to_num(confusion.errors, nan=-1.0)
    for number, label in enumerate(np.argsort(-errors, kind="stable")[:LISTED].tolist()):
        if errors[label] < 0:
            break
        y = top + (number + 0.5) * LINE
        pen.text((left + 42, y), f"{errors[label]:.1%}", 12, "rm")
        pen.text((left + 78, y), f"{confusion.cases[label]}", 12, "rm")
        pen.text((left + 88, y), shortened(pen, confusion.name(label), PAIRS - 100, 12), 12)


def _write_pairs(pen, confusion: ConfusionCounts, pairs: list[Pair], layout):
    left = layout.left + layout.side + GAP + BARS + 2 * GAP
    if not pairs:
        pen.text((left, layout.top + LINE / 2), "no errors", 12)
        return
    pen.text(
        (left, layout.top - GAP), "most confused: cases, share, true class, predicted class", 11
    )
    for number, pair in enumerate(pairs):
        y = layout.top + (number + 0.5) * LINE
        pen.text((left + 26, y), f"{pair.count}", 12, "rm")
        pen.text((left + 74, y), f"{pair.share:.1%}", 12, "rm")
        names = f"{confusion.name(pair.true)}, {confusion.name(pair.predicted)}"
        pen.text((left + 84, y), shortened(pen, names, PAIRS - 100, 12), 12)


def _write_scale(pen, layout):
    top = layout.top + layout.side + 18
    right = layout.left + max(layout.side, 240)
    frame = layout.left, top, min(right, layout.left + 420), top + 16
    draw_bar(pen, SCALE, frame, [])
    for share in MARKS:
        x = frame[0] + float(SCALE.place(np.array(share))) * (frame[2] - frame[0])
        pen.line([(x, frame[3]), (x, frame[3] + 4)], INK)
        pen.text((x, frame[3] + 12), f"{share * 100:g} %", 11, "mm")
    pen.text((frame[0], frame[3] + 32), "share of the cases of the true class (row)", 12)
