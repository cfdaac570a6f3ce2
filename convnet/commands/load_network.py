"""A network from a checkpoint, for the commands that inspect one."""

from pathlib import Path

from convnet import checkpoint, nets
from convnet.checkpoint import Found
from convnet.commands.output.console import note
from convnet.errors import CheckpointError
from convnet.runs.saved import Saved

RUNS = Path("checkpoints")


def find(load: Path | None) -> Path:
    """Return the path of the checkpoint to load; None means the newest of all runs.

    load: a checkpoint, a folder, or the name of a trained net that comes with convnet.

    Raises CheckpointError if there is none.
    """
    return checkpoint.newest(_place(load))


def load(path: Path | None, *, for_test: bool = False) -> Saved:
    """Return the checkpoint that `find` finds, or the newest undamaged one, with parsed files.

    for_test: without the arrays that only training needs.
    """
    found = load_newest(_place(path), for_test=for_test)
    return Saved.of(found)


def load_newest(path: Path, *, for_test: bool = False) -> Found:
    """Return the newest undamaged checkpoint, and print which damaged ones are passed over."""
    found = checkpoint.load_newest(path, for_test=for_test)
    for reason in found.passed_over.values():
        note(f"{reason}; going on from {found.path}")
    return found


def _place(load: Path | None) -> Path:
    if load is None and not RUNS.is_dir():
        raise CheckpointError(
            f"there is no folder {RUNS} here, where `convnet train` saves; give a checkpoint or a "
            "run's folder with --load"
        )
    return RUNS if load is None else nets.trained(load) or load
