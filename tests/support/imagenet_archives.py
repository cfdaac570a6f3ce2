"""Makes small archives and folders of exactly the structure that ImageNet is published in."""

import io
import struct
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.matlab_file import matlab_file


def picture(seed: int, width=48, height=36) -> Image.Image:
    """A smooth color image that differs from all others."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form="JPEG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def wnid(label: int) -> str:
    """WordNet ids of made-up classes, sorted as the labels are."""
    return f"n{1440764 + 1000 * label:08}"


def words(label: int) -> str:
    return f"thing {label}, kind of Ding"


def class_images(label: int, images: int, first: int = 0) -> dict[str, bytes]:
    """File name -> contents of the training images of a class; `first` varies the contents."""
    names = ((i, f"{wnid(label)}_{i}.JPEG") for i in range(first, first + images))
    return {name: encoded(picture(1000 * label + i)) for i, name in names}


def write_tree(folder: Path, classes: int, images: int, first: int = 0) -> Path:
    """folder/<wnid>/<wnid>_<i>.JPEG, `images` of each class."""
    for label in range(classes):
        (folder / wnid(label)).mkdir(parents=True)
        for name, contents in class_images(label, images, first).items():
            (folder / wnid(label) / name).write_bytes(contents)
    return folder


def troublemakers() -> dict[str, bytes]:
    """What is known to lie among ImageNet's images, and what an enemy would add."""
    image = picture(77)
    whole = encoded(image, quality=95)
    return {
        "cmyk.JPEG": encoded(image.convert("CMYK")),
        "gray.JPEG": encoded(image.convert("L")),
        "really_png.JPEG": encoded(image, "PNG"),
        "palette.JPEG": encoded(image.quantize(256), "PNG"),
        "alpha.JPEG": encoded(image.convert("RGBA"), "PNG"),
        "truncated.JPEG": whole[: len(whole) // 2],
        "no_image.JPEG": b"<html>404 Not Found</html>",
        "bomb.JPEG": png_bomb(20_000, 20_000),
    }


CONVERTED = {
    "cmyk.JPEG": "cmyk",
    "gray.JPEG": "grey",
    "really_png.JPEG": "a PNG",
    "palette.JPEG": "a PNG, palette",
    "alpha.JPEG": "a PNG, alpha",
}
SKIPPED = {"truncated.JPEG": "broken", "no_image.JPEG": "broken", "bomb.JPEG": "too large"}


def png_bomb(width: int, height: int) -> bytes:
    """A gray PNG of a few kB that takes width x height bytes when it is decoded."""
    rows = zlib.compress(bytes((width + 1) * height // 100))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def tar_of(files: dict[str, bytes], evil=False) -> bytes:
    """A tar; evil: with links and with paths that lead out of it, too."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, contents in files.items():
            _add(tar, name, contents)
        if evil:
            _add(tar, "../../escaped.JPEG", encoded(picture(1)))
            _add(tar, "/tmp/absolute.JPEG", encoded(picture(2)))
            _add(tar, "passwd.JPEG", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
            _add(tar, "hard.JPEG", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")
            _add(tar, "pipe.JPEG", b"", type=tarfile.FIFOTYPE)
    return file.getvalue()


EVIL = ("../../escaped.JPEG", "/tmp/absolute.JPEG", "passwd.JPEG", "hard.JPEG", "pipe.JPEG")


def _add(tar, name, contents, **header):
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    for key, value in header.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(contents))


@dataclass
class Archives:
    """Paths of what was written; labels: of the validation images, by sorted WordNet ids."""

    train: Path
    val: Path
    devkit: Path
    labels: list[int]


def write_ilsvrc(
    folder: Path, classes=20, train=90, val=10, trouble=True, year=2012, in_folder=""
) -> Archives:
    """The three archives of a challenge, with `train` training images and `val` validation images
    of each class.  With trouble, the first class also has the troublemakers.

    in_folder: of the members, such as "val/" in 2010.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archives = Archives(
        folder / f"ILSVRC{year}_img_train.tar",
        folder / f"ILSVRC{year}_img_val.tar",
        folder / f"ILSVRC{year}_devkit_t12.tar.gz",
        np.random.default_rng(5).permutation(np.repeat(np.arange(classes), val)).tolist(),
    )
    tars = {}
    for label in range(classes):
        images = class_images(label, train) | (troublemakers() if trouble and not label else {})
        tars[f"{wnid(label)}.tar"] = tar_of(images, evil=trouble and not label)
    archives.train.write_bytes(tar_of(tars, evil=trouble))
    names = [f"ILSVRC{year}_val_{i:08}.JPEG" for i in range(1, classes * val + 1)]
    pictures = (encoded(picture(10**6 + i)) for i in range(classes * val))
    files = {in_folder + name: data for name, data in zip(names, pictures, strict=True)}
    archives.val.write_bytes(tar_of(files))
    archives.devkit.write_bytes(gzipped(tar_of(_devkit(year, classes, train, archives.labels))))
    return archives


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def challenge_id(label: int, classes: int) -> int:
    """The challenges' numbers, from 1, do not follow the order of the WordNet ids."""
    return (label + 3) % classes + 1


def _devkit(year, classes, train, labels):
    rows = [_synset(year, challenge_id(n, classes), wnid(n), words(n), 0, train)
            for n in range(classes)]  # fmt: skip
    rows += [_synset(year, classes + 1 + n, f"n{n:08}", "above", 2, 0) for n in range(5)]
    rows.sort(key=lambda row: row[f"ILSVRC{year}_ID"])
    truth = "".join(f"{challenge_id(label, classes)}\n" for label in labels)
    return {
        "devkit/readme.txt": b"About this kit.",
        "devkit/data/meta.mat": matlab_file("synsets", rows),
        f"devkit/data/ILSVRC{year}_validation_ground_truth.txt": truth.encode(),
    }


def _synset(year, number, wordnet_id, words, children, images):
    return {
        f"ILSVRC{year}_ID": number,
        "WNID": wordnet_id,
        "words": words,
        "gloss": "what it is; \u201cquoted\u201d",
        "num_children": children,
        "children": [number + 1, 70_000.5][:children],
        "wordnet_height": 0,
        "num_train_images": images,
    }
