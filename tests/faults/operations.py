"""The commands whose writing is disturbed, and what each leaves behind.

All run in a folder that holds `net.cfg`, `net.params`, a trained run in `trained`, an image,
images in `images`, an old checkpoint `3.2`, and `out`: the folder that the command writes to, which
already contains something of the user's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from convnet.checkpoint import load, newest
from convnet.cli import main
from convnet.journal import read as read_journal
from tests.support.imagenet_archives import write_tree
from tests.support.old_checkpoints import checkpoint
from tests.support.training import LAYERS, PARAMS, curve

NET = ("--layers", "net.cfg", "--params", "net.params", "--data", "digits", "--inner-size", "6")
MINIBATCH = ("--minibatch", "500")
MINE = "mine.txt"
MISTAKE = "console of a mistake"


@dataclass(frozen=True)
class Operation:
    """A command, run in the folder.

    arguments: of `convnet`.  result: what it has made, comparable between two runs; raises if it
    is not complete.  console: its faults are those of stdout and stderr.  after_vanishing: what can
    be compared where the folder vanished, with all that had been written; None for `result`.
    earlier: arguments of a command that has written there before; what it wrote stays until the
    operation replaces it.
    """

    name: str
    arguments: tuple[str, ...]
    result: Callable[[Path], object]
    console: bool = False
    after_vanishing: Callable[[Path], object] | None = None
    earlier: tuple[str, ...] = ()


def train_arguments(save: str, *more: str) -> tuple[str, ...]:
    """Arguments that start a run or go on with it."""
    known = any(each.name == "resume_or_start" for each in main.commands["train"].params)
    words = ("train", *NET, *MINIBATCH, "--epochs", "2", "--save", save, *more)
    return (*words, "--resume-or-start") if known else words


def _trained(name: str) -> Callable[[Path], object]:
    def result(folder: Path) -> object:
        saved = load(newest(folder / name))
        return {key: array.tobytes() for key, array in saved.arrays.items()}, _history(saved)

    return result


def _history(saved) -> str:
    kept = {key: saved.history[key] for key in ("train", "test", "best")}
    return json.dumps(kept, sort_keys=True)


def _journal(folder: Path) -> object:
    """The curves in a journal; every line of it must be whole."""
    path = folder / "out" / "run"
    for line in (path / "journal.jsonl").read_bytes().splitlines():
        json.loads(line)
    records = read_journal(path)
    return curve(records), curve(records, "test"), _trained("out/run")(folder)


def _files(name: str, *, without: tuple[str, ...] = ()) -> Callable[[Path], object]:
    """The contents of all files of a folder."""

    def result(folder: Path) -> object:
        files = sorted(p for p in (folder / name).rglob("*") if p.is_file())
        return {
            str(p.relative_to(folder)): p.read_bytes()
            for p in files
            if p.name not in (*without, MINE)
        }

    return result


def _predictions(folder: Path) -> object:
    with np.load(folder / "out" / "preds" / "test_preds.npz") as found:
        arrays = {name: found[name].tobytes() for name in found.files}
    return arrays, (folder / "out" / "preds" / "test_preds.json").read_text()


def _imported(folder: Path) -> object:
    saved = load(folder / "out" / "old.safetensors")
    texts = [(folder / "out" / f"old.{end}").read_text() for end in ("cfg", "params")]
    return {name: array.tobytes() for name, array in saved.arrays.items()}, texts


def _nothing(folder: Path) -> object:
    return None


_RUN = ("--load", "trained")
_FEATURES = ("--write-features", "hidden", "--feature-path", "out/features", "--split", "both")
_SETS = ("--train", "images/train", "--val", "images/val", "--shard-images", "3", "--workers", "1")
_FILTERS = ("--layer", "hidden", "--channels", "1")
_SIZES = ("--data-dims", "36,1", "--classes", "10")
_PICTURE = ("--out", "out/a.png")
_PREDICTIONS = ("test", *_RUN, "--test-out", "out/preds")
_COST = ("show-cost", *_RUN, *_PICTURE)
_DRAWN = ("show-filters", *_RUN, *_FILTERS, *_PICTURE)
_MAPS = ("show-maps", *_RUN, "--layer", "hidden", "image.png", *_PICTURE)
_CONFUSION = ("test", *_RUN, "--confusion", "out/a.json")
_trained_out = _trained("out/run")

OPERATIONS = (
    Operation("journal", train_arguments("out/run"), _journal, after_vanishing=_trained_out),
    Operation("checkpoint", train_arguments("out/run", "--save-every", "1"), _trained_out),
    Operation("features", ("test", *_RUN, *_FEATURES), _files("out/features")),
    Operation("predictions", _PREDICTIONS, _predictions, earlier=(*_PREDICTIONS, "--multiview")),
    Operation("make-data", ("make-data", *_SETS, "--out", "out/made"), _files("out/made")),
    Operation("import", ("import", "3.2", "--out", "out/old"), _imported),
    Operation("show-cost", _COST, _files("out"), earlier=_DRAWN),
    Operation("show-filters", _DRAWN, _files("out"), earlier=_COST),
    Operation("show-maps", _MAPS, _files("out"), earlier=_COST),
    Operation("confusion", _CONFUSION, _files("out"), earlier=_COST),
    Operation("show-preds", ("show-preds", *_RUN, *_PICTURE), _files("out"), earlier=_COST),
    Operation("console of train", train_arguments("out/run"), _trained_out, console=True),
    Operation("console of test", ("test", *_RUN), _nothing, console=True),
    Operation("console of describe", ("describe", *NET[:4], *_SIZES), _nothing, console=True),
    Operation(MISTAKE, ("describe", "--layers", "missing.cfg"), _nothing, console=True),
)


def prepare(folder: Path) -> None:
    """Fill a folder with what the operations need."""
    (folder / "net.cfg").write_text(LAYERS)
    (folder / "net.params").write_text(PARAMS)
    Image.new("L", (30, 20), 90).save(folder / "image.png")
    (folder / "3.2").write_bytes(checkpoint("cc2", 2))
    write_tree(folder / "images" / "train", 2, 3)
    write_tree(folder / "images" / "val", 2, 1, first=3)
    out = folder / "out"
    out.mkdir()
    (out / MINE).write_text("something of the user's\n")


def run_command(arguments: tuple[str, ...]) -> int:
    """Run a command in this process; return its exit code.  An exception is not caught."""
    try:
        main(list(arguments), prog_name="convnet")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0
