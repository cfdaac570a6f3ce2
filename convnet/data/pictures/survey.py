"""One pass over the pictures of a folder: which cannot be read, the mean image, the colors.

What it finds is kept for later runs in the user's cache folder.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

import msgspec
import numpy as np
import PIL

from convnet.data.byte_range import UnreadableFile, read_byte_range
from convnet.data.pictures.listing import UNREADABLE
from convnet.data.pictures.processes import in_order
from convnet.data.pictures.square import NotAPicture, read_square
from convnet.data.pictures.sums import Sums
from convnet.errors import DataError
from convnet.progress import reported
from convnet.stored.cache import keep, kept
from convnet.stored.records import Count, Finite, from_json

_KIND, _VERSION = "pictures", 1
_CHUNK = 64  # pictures that a process gets at a time
_SMALL = 8 << 20  # bytes of pictures that are read before processes would have started
_Triple = Annotated[list[Finite], msgspec.Meta(min_length=3, max_length=3)]

# A picture: its path, its bytes, and whether it is one of the training pictures.
Task = tuple[str, int, bool]


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass over the pictures found.

    skipped       position of each picture that cannot be read, and the reason
    mean          of the training pictures that can: float32, little-endian, (3, side, side); empty
                  if there is none
    eigenvalues   (3,) of the covariance of their pixels' colors, largest first
    eigenvectors  (3, 3) rows of numbers; column i belongs to eigenvalue i
    """

    skipped: list[tuple[Count, str]]
    mean: bytes
    eigenvalues: _Triple
    eigenvectors: Annotated[list[_Triple], msgspec.Meta(min_length=3, max_length=3)]

    def mean_image(self, side: int) -> np.ndarray:
        """Return the mean image, float32 (3, side, side), not writable."""
        return np.frombuffer(self.mean, "<f4").reshape(3, side, side)


def key_of(names: Iterable[tuple[str, int, int]], side: int) -> str:
    """Return the name under which the survey of pictures is kept.

    names: name, bytes and time of each picture.  It depends on the version of Pillow, whose
    decoders make the pixels.
    """
    digest = hashlib.sha256(f"{_VERSION} {PIL.__version__} {side}\n".encode())
    for name, size, time in names:
        digest.update(f"{name}\0{size} {time}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def survey(
    tasks: Sequence[Task], side: int, key: str, workers: int, name: str
) -> tuple[Survey, str]:
    """Return the survey of pictures, and a line if it cannot be kept for later runs.

    workers: processes that read the pictures.  name: of the data set, for display.
    """
    found = _kept(key, side)
    if found is not None:
        return found, ""
    found = _taken(tasks, side, workers, name)
    problem = keep(_KIND, key, msgspec.json.encode(found))
    line = f"the mean of {name} cannot be kept for later runs ({problem})" if problem else ""
    return found, line


def _kept(key: str, side: int) -> Survey | None:
    content = kept(_KIND, key)
    try:
        found = from_json(content, Survey, "the cache") if content else None
    except DataError:  # of another version
        return None
    return found if found and len(found.mean) in (0, 12 * side**2) else None


def _taken(tasks: Sequence[Task], side: int, workers: int, name: str) -> Survey:
    chunks = [tasks[start : start + _CHUNK] for start in range(0, len(tasks), _CHUNK)]
    small = sum(size for _, size, _ in tasks) < _SMALL
    sums, skipped, first = Sums(side), [], 0
    with reported(f"reading {name} once, for its mean", len(tasks), "pictures") as report:
        for wrong, part in in_order(partial(_read, side), chunks, 1 if small else workers):
            skipped += [(first + index, why) for index, why in wrong]
            sums.merge(part)
            count = min(_CHUNK, len(tasks) - first)
            first += count
            report.advance(count)
    if not sums.images:
        zeros = [0.0] * 3
        return Survey(skipped=skipped, mean=b"", eigenvalues=zeros, eigenvectors=[zeros] * 3)
    values, vectors = sums.principal_colors()
    mean = sums.mean_image().astype("<f4").tobytes()
    return Survey(skipped=skipped, mean=mean, eigenvalues=values, eigenvectors=vectors)


def _read(side: int, tasks: Sequence[Task]) -> tuple[list[tuple[int, str]], Sums]:
    """Return what is wrong with which of some pictures, and the sums over the training pictures."""
    wrong, sums = [], Sums(side)
    for index, (path, size, trains) in enumerate(tasks):
        try:
            square, _ = read_square(read_byte_range(path, 0, size), side, upright=True)
        except NotAPicture as problem:
            wrong.append((index, str(problem)))
        except UnreadableFile as problem:
            wrong.append((index, f"{UNREADABLE}: {problem.strerror}"))
        else:
            if trains:
                sums.add(np.asarray(square))
    return wrong, sums
