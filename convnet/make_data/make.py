"""Makes a data set: scan, plan and write, in one run or in several."""

import fcntl
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from convnet.data.datasets.shard_folder import MANIFEST, Manifest, read_manifest
from convnet.errors import DataError
from convnet.make_data.options import MakeOptions
from convnet.make_data.plan import Plan, store, stored_plan
from convnet.make_data.planning import make_plan
from convnet.make_data.state import MAKING, State
from convnet.make_data.write import carry_out
from convnet.stored.files import sync

_UNPACKED = "unpacked"  # the folder for compressed tars of classes


class Progress:
    """Callbacks on the progress of `make_data`; a display overrides them."""

    def found(self, images: int) -> None:
        """Called now and then with the number of images found so far."""

    def planned(self, plan: Plan, done: int) -> None:
        """Called with the plan, and the number of its images that an earlier run made."""

    def made(self, images: int) -> None:
        """Called with the number of images made since the last call."""


def make_data(options: MakeOptions, out: Path, progress: Progress | None = None) -> Manifest:
    """Make the data set in the folder `out`; continue if an earlier run was interrupted.

    Return its manifest, also if it is complete already.  DataError if the sources do not fit
    together, cannot be read or differ from those of an earlier run.
    """
    progress = progress or Progress()
    making = out / MAKING
    try:
        if (out / MANIFEST).is_file():
            return _finished(options, out)
        _refuse_other_files(out)
        options.check()
        _make_folder(making)
        with _locked(making):
            return _make(options, out, progress)
    except OSError as problem:
        repair = "make it readable or writable, or choose another"
        if os.path.isdir(making):  # which, unlike Path.is_dir, raises no OSError
            repair = "the same command continues after the last finished shard"
        raise DataError(f"{problem.filename or out}: {problem.strerror}; {repair}") from None


def _make(options, out, progress):
    _remove_partial(out)
    plan = stored_plan(out / MAKING)
    if plan is not None:
        _refuse_changes(out, plan.options, options.recorded())
        _refuse_changes(out, plan.stamps, options.stamps())
    else:
        plan = make_plan(options, progress.found, (out / MAKING / _UNPACKED).resolve())
        store(plan, out / MAKING)
    shards = plan.shards()
    state = State(out, [(split, number) for split, number, _ in shards], plan.jpeg.side)
    progress.planned(plan, sum(len(images) for _, _, images in shards[: state.finished]))
    return carry_out(plan, out, state, options.workers, progress.made)


def _make_folder(folder):
    """Make a folder, and those above it, on the disk."""
    missing = [path for path in folder.parents if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, folder.parent, *missing):
        with suppress(OSError):  # not all folders above may be read
            sync(path.parent)


def _remove_partial(out):
    """Remove what a killed run was writing."""
    for pattern in ("*.partial", ".*.tmp"):
        for path in [*out.glob(pattern), *(out / MAKING).glob(pattern)]:
            path.unlink()


def _finished(options, out):
    manifest = read_manifest(out)
    _refuse_changes(out, manifest.made, options.recorded())
    shutil.rmtree(out / MAKING, ignore_errors=True)  # left by a run that was killed at its very end
    return manifest


def _refuse_changes(out, before, now):
    changed = next((key for key in before | now if before.get(key) != now.get(key)), None)
    if changed is not None:
        option = "--" + changed.replace("_", "-")
        raise DataError(
            f"{out}: was started with {option} {_shown(before.get(changed))}, not "
            f"{_shown(now.get(changed))}; repeat the original command, or choose another folder"
        )


def _shown(value):
    """Return the value of an option; for a source, its path, bytes and time."""
    if value is None:
        return "its default"
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _refuse_other_files(out):
    if out.exists() and not (out / MAKING).is_dir() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            f"{out}: exists and is not a data set started by make-data; choose a new folder"
        )


@contextmanager
def _locked(making):
    """Return a context in which no other run writes the same files; DataError if one does."""
    with open(making / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{making.parent}: another make-data is writing to it") from None
        yield
