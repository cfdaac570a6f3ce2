"""From what a user asks for to a data set: plan, carry out; once, or in several goes."""

import fcntl
import shutil
from contextlib import contextmanager
from pathlib import Path

from convnet.data.datasets.shard_folder import MANIFEST, Manifest, read_manifest
from convnet.errors import DataError
from convnet.make_data.plan import Plan, store, stored_plan
from convnet.make_data.planning import make_plan
from convnet.make_data.state import MAKING, State
from convnet.make_data.wanted import Wanted
from convnet.make_data.write import carry_out


class Watcher:
    """Is told how far the making is; for displays."""

    def looking(self, images: int) -> None:
        """So many images were found so far."""

    def planned(self, plan: Plan, done: int) -> None:
        """What will be made, and how many images of it an earlier run did."""

    def made(self, images: int) -> None:
        """So many images more are done."""


def make_data(wanted: Wanted, out: Path, watcher: Watcher | None = None) -> Manifest:
    """Makes the data set `out`, goes on making it, or finds it whole.  DataError."""
    watcher = watcher or Watcher()
    if (out / MANIFEST).is_file():
        return _finished(wanted, out)
    _refuse_other_files(out)
    wanted.check()
    making = out / MAKING
    try:
        making.mkdir(parents=True, exist_ok=True)
        with _alone(making):
            return _make(wanted, out, watcher)
    except OSError as problem:
        raise DataError(
            f"{problem.filename or out}: {problem.strerror}; the same command goes on behind the "
            "last shard that was finished"
        ) from None


def _make(wanted, out, watcher):
    plan = stored_plan(out / MAKING)
    if plan is not None:
        _refuse_changes(out, plan.options, wanted.options())
        _refuse_changes(out, plan.stamps, wanted.stamps())
    else:
        plan = make_plan(wanted, watcher.looking)
        store(plan, out / MAKING)
    shards = plan.shards()
    state = State(out, [(split, number) for split, number, _ in shards])
    watcher.planned(plan, sum(len(images) for _, _, images in shards[: state.finished]))
    return carry_out(plan, out, state, wanted.workers, watcher.made)


def _finished(wanted, out):
    manifest = read_manifest(out)
    _refuse_changes(out, manifest.made, wanted.options())
    shutil.rmtree(out / MAKING, ignore_errors=True)  # of a run that was killed at its very end
    return manifest


def _refuse_changes(out, before, now):
    changed = next((key for key in before | now if before.get(key) != now.get(key)), None)
    if changed is not None:
        option = "--" + changed.replace("_", "-")
        raise DataError(
            f"{out}: was begun with {option} {_shown(before.get(changed))}, now it is "
            f"{_shown(now.get(changed))}; repeat the command as it was, or give another folder"
        )


def _shown(value):
    """An option's value; of a source, its path, bytes and time."""
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _refuse_other_files(out):
    if out.exists() and not (out / MAKING).is_dir() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: is there and no data set begun by make-data; give a new folder")


@contextmanager
def _alone(making):
    """Two runs never write the same files."""
    with open(making / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{making.parent}: another make-data is writing to it") from None
        yield
