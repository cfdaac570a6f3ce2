"""What the compression of the images costs: a net trained on further compressed copies.

    python -m examples.cifar10.jpeg --data cifar-10-batches-py --corpus originals

For copies of CIFAR-10 that were published as JPEG files.  The images are compressed again, for
training and for tests, at several qualities; from the errors the script estimates that on the
images before the first compression.  It continues what was stopped.
"""

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

import click
import numpy as np
from PIL import Image

from convnet.data import open_dataset
from examples.arguments import FOLDER, SCALE, list_of, one_line_errors
from examples.cifar10.batches import originals_folder
from examples.cifar10.nets import BY_NAME, Net, check_corpus
from examples.cifar10.results import result_of
from examples.cifar10.training import Place, train
from examples.outcomes import spread
from examples.records import write_records

NET = "80sec"  # the one that is soonest trained
HALVED_COLORS = 2  # Pillow's number for a chroma of half the width and height
_SAMPLE = 1000  # test images that the distance is measured on


@dataclass(frozen=True)
class Copy:
    """The errors (0 to 1) of some seeds on one copy of the images.

    quality: of the JPEG files, None for the images as given.  rms: distance to the images as given,
    gray levels, root mean square.
    """

    quality: int | None
    rms: float
    errors: list[float]


def compressed(images: np.ndarray, quality: int) -> np.ndarray:
    """Return uint8 images (cases, 3, side, side) after JPEG compression with halved colors."""
    return np.stack([_compressed(image, quality) for image in images])


def _compressed(image, quality):
    file = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture.save(file, "JPEG", quality=quality, subsampling=HALVED_COLORS)
    return np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)


def distance(data: Path, quality: int | None) -> float:
    """Return how far compression moves the first test images, gray levels (root mean square)."""
    if quality is None:
        return 0.0
    dataset = open_dataset(data)
    images = dataset.images("test", np.arange(min(_SAMPLE, dataset.count("test"))))
    difference = compressed(images, quality) - images.astype(np.float64)
    return float(np.sqrt((difference**2).mean()))


def before_compression(copies: list[Copy], first: float) -> tuple[float, float]:
    """Return the estimated mean error on uncompressed images, and the cost of `first`.

    Assumes that the squared distances of two compressions add up and that the error rises in
    proportion to them, and fits that line to all runs.  first: the distance of the images as given
    to the uncompressed ones.
    """
    points = [(copy.rms**2, error) for copy in copies for error in copy.errors]
    slope, at_given = np.polyfit(*np.array(points).T, 1)
    return float(at_given - slope * first**2), float(slope * first**2)


def table(copies: list[Copy], firsts: tuple[float, float]) -> str:
    """Return a Markdown table of the copies, and the estimate between two values of `first`."""
    lines = [
        "| images | distance, gray levels | test error: mean (range) | seeds |",
        "|---|---|---|---|",
    ]
    for copy in copies:
        name = "as given" if copy.quality is None else f"again at quality {copy.quality}"
        lines.append(f"| {name} | {copy.rms:.1f} | {spread(copy.errors)} | {len(copy.errors)} |")
    if sum(bool(copy.rms) for copy in copies) > 1:
        low, high = (before_compression(copies, first) for first in firsts)
        lines += [
            "",
            f"If the given images are {firsts[0]:g} to {firsts[1]:g} gray levels from the "
            f"uncompressed ones, their compression costs {100 * low[1]:.2f} to "
            f"{100 * high[1]:.2f} points, and the error without it is {100 * high[0]:.2f} to "
            f"{100 * low[0]:.2f} %.",
        ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--data", required=True, type=FOLDER, help="CIFAR-10, as unpacked.")
@click.option("--corpus", required=True, type=FOLDER, help="The originals' files.")
@click.option("--runs", type=FOLDER, default=Path("cifar10"), show_default=True,
              help="Folder for the runs, that of `python -m examples.cifar10`.")  # fmt: skip
@click.option("--net", "name", type=click.Choice(list(BY_NAME)), default=NET, show_default=True)
@click.option("--qualities", default="75,50,30", callback=list_of(int), show_default=True)
@click.option("--seeds", default="1,2,3", callback=list_of(int), show_default=True)
@click.option("--scale", default=1.0, type=SCALE, show_default=True, help="Fraction of the epochs.")
@click.option("--first", type=(float, float), default=(6.0, 12.0), show_default=True,
              help="Smallest and largest likely distance of the images as given to the "
              "uncompressed ones, gray levels.")  # fmt: skip
def main(data, corpus, runs, name, qualities, seeds, scale, first):
    """Train a net on compressed copies of the images and print a table of its errors."""
    net, stem = BY_NAME[name], "jpeg" if name == NET else f"jpeg-{name}"
    with one_line_errors():
        check_corpus([net], corpus)
        copies: list[Copy] = []
        for quality in (None, *qualities):
            copies.append(_copy_of(quality, net, data, corpus, runs, seeds, scale))
            write_records(copies, runs / f"{stem}.json")
        text = table(copies, first)
        (runs / f"{stem}.md").write_text(text, "utf-8")
        click.echo(text)


def _copy_of(quality, net: Net, data, corpus, runs, seeds, scale) -> Copy:
    if quality is None:
        place = Place(runs, corpus, originals_folder(data, runs / "data"), scale)
    else:
        change = partial(compressed, quality=quality)
        folder = runs / f"jpeg-{quality}"
        place = Place(folder, corpus, originals_folder(data, folder / "data", change), scale)
    errors = []
    for seed in seeds:
        train(net, seed, place)
        errors.append(result_of(net, seed, place).error)
    click.echo(f"quality {quality}: mean error {mean(errors):.2%}")
    return Copy(quality, round(distance(data, quality), 2), errors)


if __name__ == "__main__":
    main()
