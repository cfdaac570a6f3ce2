"""Pictures: those of data sets, decoded to a given size, and those that make-data converts."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from convnet.data.jpeg import decode_into
from convnet.make_data.picture import Jpeg, make_picture
from tests.fuzz.arrays import change_jpeg
from tests.fuzz.bytes_of import damage
from tests.fuzz.reader import Reader, Tree
from tests.support.imagenet_archives import encoded, picture

_SIDE = 24
_FORM = Jpeg()


def jpeg_seeds() -> list[Tree]:
    image = picture(5).resize((_SIDE, _SIDE))
    return [
        {"image": encoded(image, quality=80)},
        {"image": encoded(image, quality=60, progressive=True)},
        {"image": encoded(image, quality=60, subsampling=2, restart_marker_blocks=1)},
        {"image": encoded(image.convert("L"))},
        {"image": encoded(image.convert("CMYK"))},
    ]


def read_jpeg(folder: Path) -> None:
    path = folder / "image"
    pixels = np.empty((_SIDE, _SIDE, 4), np.uint8)
    decode_into(path.read_bytes(), pixels, converts=True)


def picture_seeds() -> list[Tree]:
    image = picture(6).resize((40, 30))
    found = jpeg_seeds()
    for form in ("PNG", "GIF", "BMP", "WEBP"):
        found.append({"image": encoded(image, form)})
    for mode in ("L", "P", "1", "RGBA", "LA", "I;16"):
        file = io.BytesIO()
        _as(image, mode).save(file, "PNG")
        found.append({"image": file.getvalue()})
    return found


def _as(image, mode):
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    return image.convert(mode)


def read_picture(folder: Path) -> None:
    made = make_picture((folder / "image").read_bytes(), _FORM)
    if not made.remark.isprintable():
        raise AssertionError(f"a remark that is not printable: {made.remark!a}")


CHANGES = {
    "*": lambda rng, data, others: (change_jpeg if data[:2] == b"\xff\xd8" else damage)(
        rng, data, others
    )
}
READERS = (
    Reader("jpeg", jpeg_seeds, read_jpeg, CHANGES, accepts=(ValueError,), share=1.5),
    Reader("picture", picture_seeds, read_picture, CHANGES, share=1.5),
)
