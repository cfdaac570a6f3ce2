"""A test as HTML: the confusion matrix as an SVG drawing, the most confident mistakes as cards."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from convnet.drawing.text_width import fitted, width_of
from convnet.html import elements
from convnet.report.confusion import Confusion
from convnet.report.figures.confusion import row_shares
from convnet.report.figures.predictions import enlarged
from convnet.report.test_result import Mistake, TestResult

LISTED = 12  # pairs of classes
_CELLS = ((12, 44), (25, 34), (60, 15))  # most classes, pixels of a cell
_LARGE = 500  # pixels of the matrix of more classes, and most rows of it
_NAME, _AXIS = 130, 18  # pixels for the names of classes, and for the name of an axis
_COLOR = (0, 114, 178)  # of a cell; its opacity is the share, so that it suits any background
_SIDE = 96  # pixels of an image
_WHITE_FROM = 0.5  # opacity from which on the numbers in the cells are white


def test_section(result: TestResult) -> str:
    """Return the matrix, the most confused pairs and the mistakes."""
    confusion = result.confusion
    total = int(confusion.cases.sum()) + confusion.unknown
    error = f", error {confusion.error:.2%}" if confusion.cases.sum() else ""
    words = f"{result.checkpoint} on {total:,} test images{error}"
    parts = [f"<p>{elements.text(words)}</p>"]
    parts += [f'<div class="side"><div class="wide">{_matrix(confusion)}</div>', _pairs(confusion)]
    parts += ["</div>", _mistakes(result)]
    return "\n".join(parts)


test_section.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


# -- the matrix ------------------------------------------------------------------------------------


def _matrix(confusion: Confusion) -> str:
    count = max(1, confusion.classes)
    cell = next((float(size) for most, size in _CELLS if count <= most), _LARGE / count)
    side = cell * count
    names = [confusion.name(label) for label in range(confusion.classes)] if cell > 12 else []
    room = _AXIS + min(_NAME, max((width_of(name, 12) for name in names), default=0.0)) + 8
    lines = [
        f'<svg class="matrix" width="{room + side:g}" height="{room + side:g}" role="img">',
        "<title>confusion matrix</title>",
        f'<text x="{room + side / 2:g}" y="12" text-anchor="middle">predicted class</text>',
        f'<text transform="translate(12 {room + side / 2:g}) rotate(-90)" text-anchor="middle">'
        "true class</text>",
        f'<rect class="track" x="{room:g}" y="{room:g}" width="{side:g}" height="{side:g}"/>',
        f'<image x="{room:g}" y="{room:g}" width="{side:g}" height="{side:g}" '
        f'preserveAspectRatio="none" href="{_pixels(confusion)}"/>',
    ]
    for label, name in enumerate(names):
        at = room + (label + 0.5) * cell
        shown = elements.text(fitted(name, 12, _NAME))
        lines.append(f'<text x="{room - 6:g}" y="{at + 4:g}" text-anchor="end">{shown}</text>')
        lines.append(
            f'<text transform="translate({at + 4:g} {room - 6:g}) rotate(-90)">{shown}</text>'
        )
    lines += _counts(confusion, room, cell) if cell >= 34 else []
    return "\n".join([*lines, "</svg>"])


def _pixels(confusion: Confusion) -> str:
    """The cells as a picture, one pixel each; of very many classes, neighbors share a pixel."""
    opacity = np.sqrt(np.nan_to_num(row_shares(confusion, _LARGE)))
    cells = np.empty((*opacity.shape, 4), np.uint8)
    cells[..., :3] = _COLOR
    cells[..., 3] = np.round(255 * opacity)
    cells[cells[..., 3] == 0] = 0  # compresses well
    return _encoded(Image.fromarray(cells))


def _counts(confusion: Confusion, room: float, cell: float) -> list[str]:
    lines = []
    for true, predicted, count in confusion.entries.tolist():
        x, y = room + (predicted + 0.5) * cell, room + (true + 0.5) * cell + 4
        is_dark = np.sqrt(count / int(confusion.cases[true])) > _WHITE_FROM
        kind = ' class="on"' if is_dark else ""
        lines.append(f'<text{kind} x="{x:g}" y="{y:g}" text-anchor="middle">{count}</text>')
    return lines


def _pairs(confusion: Confusion) -> str:
    rows = [
        (confusion.name(pair.true), confusion.name(pair.predicted), pair.count, f"{pair.share:.1%}")
        for pair in confusion.pairs(LISTED)
    ]
    if not rows:
        return "<p>No test image is misclassified.</p>"
    heads = ("true class", "taken for", "images", "of the class")
    return f"<div><h4>Most confused</h4>{elements.table(heads, rows, kind='numbers')}</div>"


# -- the mistakes ----------------------------------------------------------------------------------


def _mistakes(result: TestResult) -> str:
    if not result.mistakes:
        return ""
    has_images = any(mistake.image is not None for mistake in result.mistakes)
    hint = "" if has_images else " <small>(with --test, their images)</small>"
    cards = "\n".join(_card(mistake, result.confusion) for mistake in result.mistakes)
    return f'<h4>Most confident mistakes{hint}</h4>\n<div class="cards">\n{cards}\n</div>'


def _card(mistake: Mistake, confusion: Confusion) -> str:
    image = ""
    if mistake.image is not None:
        address = _encoded(enlarged(mistake.image, _SIDE), photo=mistake.image.shape[-1] > 40)
        image = f'<img alt="test image {mistake.index}" src="{address}">'
    words = (
        f"<b>{elements.text(confusion.name(mistake.predicted))}</b> ({mistake.of_predicted:.1%})"
        f"<br>true: {elements.text(confusion.name(mistake.true))} ({mistake.of_true:.1%})"
        f"<br><small>test image {mistake.index:,}</small>"
    )
    return f"<figure>{image}<figcaption>{words}</figcaption></figure>"


def _encoded(image: Image.Image, photo: bool = False) -> str:
    """The address of a picture that holds its pixels: JPEG for photos, else PNG."""
    file, form = BytesIO(), "JPEG" if photo else "PNG"
    image.save(file, form, optimize=True, **({"quality": 80} if photo else {}))
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
