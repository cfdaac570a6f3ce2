"""Feeding beside Pillow alone and beside PyTorch's DataLoader: `python -m benchmarks.feed`.

Images of 256x256 are decoded, cropped to 224x224, mirrored, shifted in color, less the mean image.
The rivals take turns, each in processes of its own; figures are medians over the rounds.
"""

import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click
import numpy as np

from benchmarks.photos import write_photos
from benchmarks.tables import add_results, machine, table
from benchmarks.timing import PAUSE, Worker
from convnet.data.workers.pool import cores
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Jpeg

RESULTS = Path(__file__).parent / "results" / "feed.json"
KINDS = {
    "ours": "convnet",
    "loader": "PyTorch DataLoader",
    "pillow": "Pillow alone, one core, times cores",
    "threads": "Pillow alone, threads",
    "busy": "Pillow alone, threads, beside one that runs Python",
}
FORMS = {"4:4:4, quality 92": Jpeg(92, "4:4:4"), "4:2:0, quality 95": Jpeg(95, "4:2:0")}
PACKAGES = ("numpy", "numba", "pillow", "simplejpeg", "torch")


def measured(folder: Path, workers: int, minibatch: int, rounds: int, epochs: int):
    """(images a second, CPU seconds an image) of each kind, one pair a round."""
    found = {kind: [] for kind in KINDS}
    with ExitStack() as stack:
        running = {
            kind: stack.enter_context(
                Worker("benchmarks.feed_worker", kind, str(folder), str(workers), str(minibatch))
            )
            for kind in KINDS
        }
        for worker in running.values():
            worker.ask("rate", epochs=1)  # starts its workers, compiles, fills caches
        for _ in range(rounds):
            for kind, worker in running.items():
                time.sleep(PAUSE)
                found[kind].append(worker.ask("rate", epochs=epochs))
    found["pillow"] = [(workers * rate, cpu) for rate, cpu in found["pillow"]]
    return found


def rows_of(found: dict[str, list[tuple[float, float]]]) -> list[dict]:
    """A line for each kind.

    "ours / this": of the rates, the median over the rounds with its extremes.  "CPU / ours": of the
    CPU time for an image, which other programs on the machine disturb less.
    """
    rows = []
    for kind, pairs in found.items():
        both = list(zip(found["ours"], pairs, strict=True))
        ratios = [ours / rate for (ours, _), (rate, _) in both]
        rows.append(
            {
                "what": KINDS[kind],
                "images/s": median(rate for rate, _ in pairs),
                "ours / this": median(ratios),
                "from": min(ratios),
                "to": max(ratios),
                "CPU ms/image": 1e3 * median(cpu for _, cpu in pairs),
                "CPU / ours": median(cpu / ours for (_, ours), (_, cpu) in both),
            }
        )
    return rows


def made_set(folder: Path, form: Jpeg, images: int) -> float:
    """Makes folder/made; returns the mean size of an image, in kB."""
    photos = write_photos(folder / "photos", images)
    wanted = MakeOptions(photos, hold_out=0.1, jpeg=form, workers=cores())
    manifest = make_data(wanted, folder / "made")
    sizes = [shard.bytes / shard.images for shard in manifest.shards["train"]]
    return float(np.mean(sizes)) / 1e3


@click.command(help=__doc__)
@click.option("--workers", default=cores(), show_default=True, help="Of each rival.")
@click.option("--minibatch", default=128, show_default=True)
@click.option("--images", default=284, show_default=True, help="To make; a tenth is put aside.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--epochs", default=8, show_default=True, help="Over the images, in a round.")
@click.option("--form", "forms", multiple=True, type=click.Choice([*FORMS]), default=[*FORMS])
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(workers, minibatch, images, rounds, epochs, forms, path):
    for form in forms:
        folder = Path(tempfile.mkdtemp(prefix="convnet-feed-"))
        try:
            size = made_set(folder, FORMS[form], images)
            rows = rows_of(measured(folder / "made", workers, minibatch, rounds, epochs))
        finally:
            shutil.rmtree(folder)
        title = f"{form}, {size:.0f} kB an image"
        click.echo(f"\n{title}\n{table(rows)}")
        add_results(path, form, machine(workers, PACKAGES), [{"kB": size} | row for row in rows])


if __name__ == "__main__":
    main()
