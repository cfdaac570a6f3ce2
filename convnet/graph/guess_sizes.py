"""Sizes of the data that a layer file does not declare, guessed by trying usual ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from convnet.graph.build import Attempt, attempt
from convnet.graph.infer_inputs import (
    declared_channels,
    declared_classes,
    declared_image,
    last_outputs,
    needs_tree,
    placeholder_tree,
)
from convnet.language import Problem, SpecFile

_OPTION = "--data-dims sets other sizes"
_USUAL = ((3, 224), (3, 32), (3, 24), (3, 64), (3, 128), (1, 28), (1, 32))
_SIDES = (32, 24, 28, 40, 48, 64, 96, 128, 224, 227, 256, 299, 16, 12, 8, 4, 1)
_MOST_SECTIONS = 4000  # sections built in all attempts together: half a second

Dims = dict[int, int]  # values per case of each data matrix, by dataIdx
Image = tuple[int, int]  # channels and side


@dataclass
class Guess:
    """Sizes of the data.

    dims: values per case of each data matrix.  note: a line that says what of it is assumed, ""
    for nothing.
    """

    dims: Dims
    note: str = ""
    _chosen: Attempt | None = None
    _others: Sequence[Attempt] = ()

    def causes(self, problem: Problem) -> bool:
        """Return whether an error may be due to the guess: with another size it is a different one.

        With the other size the layer of the error fits, or its message, which contains sizes,
        differs.  Sizes with which the layer could not be tried tell nothing.
        """
        if self._chosen is None or not self._chosen.has(problem):
            return False
        return any(other.differs_at(problem) for other in self._others)


def infer_image(layers: SpecFile, classes: int | None = None) -> Image:
    """Return (channels, side) for a file that declares no image: the first usual one that fits."""
    rows = guess_sizes(layers, None, classes).dims[0]
    return next(image for image in _images(layers, classes) if rows == image[0] * image[1] ** 2)


def infer_dims(layers: SpecFile, given: Dims | None, classes: int | None) -> tuple[Dims, str]:
    """Return the sizes and the note of `guess_sizes`."""
    guess = guess_sizes(layers, given, classes)
    return guess.dims, guess.note


def guess_sizes(layers: SpecFile, given: Dims | None, classes: int | None) -> Guess:
    """Return the values per case of each data matrix: as given, as declared, or as assumed.

    Assumed are an image of a usual size, and labels or a matrix of labels: the first with which the
    file has no errors, or else the first with which most layers fit.
    """
    known = {1: 1, **({2: classes} if classes else {}), **(given or {})}
    outputs = classes or last_outputs(layers) or 10
    rows = [known[1]] if (given and 1 in given) or _labels_are_classes(layers) else [1, outputs]
    has_image = 0 in known or declared_image(layers) is not None
    if has_image and len(rows) == 1:
        return Guess(known)
    images = [None] if has_image else _images(layers, classes)
    if not has_image:
        known.setdefault(2, outputs)
    tried: list[tuple[Dims, str, Attempt]] = []
    most = max(2, _MOST_SECTIONS // max(1, len(layers.sections)))
    tree = placeholder_tree(layers, classes)[0]
    for dims, note in islice(_candidates(known, images, rows), most):
        found = attempt(layers, dims, classes, tree)
        tried.append((dims, note, found))
        if not found.errors:
            break
    dims, note, chosen = max(tried, key=lambda each: _merit(each[2]))  # the first of equal ones
    return Guess(dims, note, chosen, [other for *_, other in tried if other is not chosen])


def _candidates(
    known: Dims, images: Iterable[Image | None], rows: Iterable[int]
) -> Iterator[tuple[Dims, str]]:
    images = list(images)
    for count in rows:
        for image in images:
            assumed, dims = [], {**known, 1: count}
            if image is not None:
                channels, side = image
                dims[0] = channels * side**2
                assumed.append(f"images of {channels}x{side}x{side}")
            if count != known[1]:
                assumed.append(f"{count} label values")
            note = f"assuming {' and '.join(assumed)}; {_OPTION}" if assumed else ""
            yield dims, note


def _labels_are_classes(layers: SpecFile) -> bool:
    """Return whether matrix 1 has one value a case: a cost reads classes from it, or no layer."""
    names = {
        section.name
        for section in layers.sections
        if (entry := section.entries.get("dataidx")) and entry.value.text == "1"
    }
    costs = (
        section.entries["inputs"].value.items()
        for section in layers.sections
        if "inputs" in section.entries
        and (kind := section.entries.get("type"))
        and kind.value.text in ("cost.logreg", "cost.msm")
    )
    return not names or any(item.text in names for items in costs for item in items)


def _merit(found: Attempt) -> tuple[bool, int, int]:
    return not found.errors, len(found.names), -len(found.errors)


def _images(layers: SpecFile, classes: int | None) -> list[Image]:
    """(channels, side) of usual images, the likeliest first: ImageNet's or CIFAR's."""
    many = (classes or declared_classes(layers) or last_outputs(layers) or 10) > 100
    first = (3, 224) if many or needs_tree(layers) else (3, 32)
    channels = declared_channels(layers)
    found = [first, *_USUAL, *((channels or 3, side) for side in _SIDES)]
    return sorted(dict.fromkeys(found), key=lambda image: image[0] != channels)
