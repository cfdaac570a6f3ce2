"""`convnet predict` beside PyTorch, from the shell: `python -m benchmarks.predict [FOLDER]`.

Both predict all JPEGs of a folder, by default 5,000 synthetic ones of 500x375 pixels, with the same
network and print the five most probable classes of each.  The rivals take turns.  Start-up is the
time for one picture; images a second are those of the others, without it.  "ours / this" is of
images a second; "CPU / ours" of CPU time, which other programs on the machine disturb less.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import numpy as np
from PIL import Image

from benchmarks.graphs import ROOT
from benchmarks.photos import write_photos
from benchmarks.tables import machine, table
from benchmarks.timing import PAUSE

# The network, and the sides of its images and crops.  AlexNet is that on one device, as PyTorch's.
NETS = {"cifar10": (32, 24), "alexnet-groups": (256, 224)}
WIDTH, HEIGHT = 500, 375
_DISTINCT = 48  # synthetic pictures; the others are shifted
_CONVNET = (sys.executable, "-c", "import sys; from convnet.cli import main; sys.exit(main())")
_PACKAGES = ("numpy", "numba", "pillow", "torch")


def write_jpegs(folder: Path, count: int) -> None:
    """Write pictures with the detail of photographs, as hard to decode."""
    sources = sorted(write_photos(folder / "sources", min(count, _DISTINCT)).rglob("*.png"))
    pictures = [np.asarray(Image.open(path).resize((WIDTH, HEIGHT))) for path in sources]
    shutil.rmtree(folder / "sources")
    for number in range(count):
        picture = np.roll(pictures[number % len(pictures)], 7 * (number // len(pictures)), 1)
        Image.fromarray(picture).save(folder / f"{number:05}.jpg", quality=92)


def link_jpegs(source: Path, folder: Path, count: int) -> None:
    """Link the first JPEGs of a folder of the user's."""
    found = sorted(p for p in source.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    for number, path in enumerate(islice(found, count)):
        (folder / f"{number:05}.jpg").symlink_to(path.absolute())


def write_checkpoint(net: str, path: Path) -> None:
    """Write a network with random weights and the record of its input."""
    import convnet
    from convnet.stored.input_record import InputRecord

    side, crop = NETS[net]
    mean = np.full((3, side, side), 120, "<f4").tobytes()
    made = convnet.Net.from_files(ROOT / f"layers/{net}.cfg", ROOT / f"params/{net}.params")
    made.input = InputRecord(
        side=side, channels=3, inner_size=crop, mean_kind="image", mean_image=mean
    )
    classes = made.graph.node("probs").shape.size
    made.class_names = tuple(f"class {label}" for label in range(classes))
    made.save(path)


def commands(net: str, checkpoint: Path, folder: Path, workers: int) -> dict[str, list[str]]:
    """The command of each rival."""
    ours = [*_CONVNET, "predict", "--csv", "--load", str(checkpoint), str(folder)]
    torch = [sys.executable, "-m", "benchmarks.pytorch.predict", net, str(checkpoint), str(folder)]
    torch += ["--workers", str(workers)]
    return {
        "convnet": ours,
        "PyTorch": torch,
        "PyTorch, channels last": [*torch, "--channels-last"],
    }


class Cost(NamedTuple):
    """What a command took: seconds, and those of all cores."""

    seconds: float
    cpu: float

    def beyond(self, other: "Cost", images: int) -> "Cost":
        """What each of so many images took beyond another command."""
        return Cost((self.seconds - other.seconds) / images, (self.cpu - other.cpu) / images)


def cost(command: list[str], rows: int) -> Cost:
    """What a command took that prints so many rows of CSV, or a few more lines."""
    time.sleep(PAUSE)
    started, used = time.perf_counter(), _cpu_of_children()
    run = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    found = Cost(time.perf_counter() - started, _cpu_of_children() - used)
    printed = run.stdout.count(b"\n")
    if printed < rows:
        raise RuntimeError(f"{command[2:4]} printed {printed} rows, not {rows}")
    return found


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(net: str, folder: Path, one: Path, workers: int, rounds: int) -> list[dict]:
    """A row for each rival: medians over the rounds, and the medians of each round's ratios."""
    checkpoint = folder.parent / f"{net}.safetensors"
    write_checkpoint(net, checkpoint)
    count = sum(1 for _ in folder.iterdir())
    many, single = (commands(net, checkpoint, place, workers) for place in (folder, one))
    for command in single.values():  # compiles, and fills the caches
        cost(command, 5)
    started: dict[str, list[Cost]] = {name: [] for name in many}
    each: dict[str, list[Cost]] = {name: [] for name in many}
    for _ in range(rounds):
        for name in many:
            first = cost(single[name], 5)
            started[name].append(first)
            each[name].append(cost(many[name], 5 * count).beyond(first, count - 1))
    checkpoint.unlink()
    return [_row(net, name, started[name], each[name], each["convnet"]) for name in many]


def _row(net: str, name: str, started: list[Cost], each: list[Cost], ours: list[Cost]) -> dict:
    pairs = list(zip(each, ours, strict=True))
    return {
        "net": net,
        "what": name,
        "start-up s": median(one.seconds for one in started),
        "start-up CPU s": median(one.cpu for one in started),
        "images/s": median(1 / one.seconds for one in each),
        "ours / this": median(theirs.seconds / mine.seconds for theirs, mine in pairs),
        "CPU ms/image": 1e3 * median(one.cpu for one in each),
        "CPU / ours": median(theirs.cpu / mine.cpu for theirs, mine in pairs),
    }


@click.command()
@click.argument("photos", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--images", default=5000, show_default=True, help="Pictures to predict.")
@click.option("--net", "nets", type=click.Choice(list(NETS)), multiple=True, default=list(NETS))
@click.option("--rounds", default=3, show_default=True)
@click.option("--workers", default=None, type=int, help="Of PyTorch's.  [default: one a core]")
def main(photos, images, nets, rounds, workers):
    """Print the figures."""
    from convnet.data.workers.pool import cores

    workers = workers or cores()
    with tempfile.TemporaryDirectory() as place:
        folder, one = Path(place) / "many", Path(place) / "one"
        folder.mkdir()
        one.mkdir()
        if photos:
            link_jpegs(photos, folder, images)
        else:
            write_jpegs(folder, images)
        shutil.copy(next(iter(sorted(folder.iterdir()))), one / "0.jpg")
        print(machine(workers, _PACKAGES))
        for net in nets:
            print(table(measured(net, folder, one, workers, rounds)), flush=True)


if __name__ == "__main__":
    main()
