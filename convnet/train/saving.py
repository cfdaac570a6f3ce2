"""Saves a run, whatever happens to its folder: what cannot be written is kept, and tried again."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from convnet.checkpoint import Checkpoint
from convnet.errors import CheckpointError, TrainingError
from convnet.journal import FILE_NAME
from convnet.language import harmless
from convnet.train.run import Run
from convnet.train.run_folder import RunFolder

RETRY_INTERVAL = 60.0  # seconds until a save that failed is tried again, if none is due before


def save(run: Run, is_best: bool = False) -> None:
    """Save the state of a run in its folder, if it has one.

    If that fails, `run.unsaved` says why, and the user is told; training can go on.  TrainingError
    if a weight is not finite.
    """
    if not run.writes:
        return
    checkpoint = run.checkpoint()
    bad = _bad_weights(run, checkpoint.arrays) if run.group.is_first else ""
    if bad := run.group.share(bad):
        raise TrainingError(bad)
    if run.folder is not None:
        _write(run, run.folder, checkpoint, is_best)
    _follow_the_first(run)


def _write(run: Run, folder: RunFolder, checkpoint: Checkpoint, is_best: bool) -> None:
    run.journal.sync()
    try:
        if run.journal.is_taken:
            raise CheckpointError(str(run.journal.problem))
        path = folder.save(checkpoint, is_best)
    except CheckpointError as error:
        _failed(run, str(error))
        return
    if run.unsaved:
        run.unsaved = None
        run.observer.on_message(f"{harmless(str(path))}: saved; the folder can be written again")
    run.last_saved, run.saved_step = path, run.position.step
    run.journal.write("save", run.position.step, file=path.name)
    run.observer.on_save(path)


def _follow_the_first(run: Run) -> None:
    """Of several processes, let all know what became of the save of the first one."""
    if run.group.size > 1:
        path = str(run.last_saved) if run.last_saved else None
        path, step, unsaved = run.group.share([path, run.saved_step, run.unsaved])
        run.last_saved, run.saved_step = path and Path(path), step
        run.unsaved = unsaved


def save_unless_saved(run: Run) -> None:
    """Save, unless the state is that of the last save, or in the middle of a minibatch."""
    if run.is_sound and run.saved_step != run.position.step:
        save(run)


def retry_is_due(run: Run) -> bool:
    """Return whether a save of this process failed a while ago."""
    failed = run.folder is not None and run.unsaved is not None
    return failed and time.monotonic() >= run.retry_at


def save_elsewhere(run: Run) -> bool:
    """Save in a folder for temporary files what cannot be saved in the run's folder.

    Returns whether that was necessary.  The user is told where it is, or which checkpoint is the
    newest whole one.
    """
    if not run.group.share(bool(run.folder and (run.unsaved or run.journal.problem))):
        return False
    checkpoint = run.checkpoint() if run.is_sound else None
    if run.folder is None:  # the first process writes
        return True
    reason = run.unsaved or f"{harmless(str(run.journal.path))}: {run.journal.problem}"
    try:
        if checkpoint is None:
            raise CheckpointError("the last minibatch is half done")
        folder = RunFolder(tempfile.mkdtemp(prefix="convnet-run-"))
        run.journal.copy_to(folder.path / FILE_NAME)
        run.last_saved, run.saved_step = folder.save(checkpoint), run.position.step
        line = (
            f"the run is saved in {folder.path} instead. Go on with --resume {folder.path} "
            "--save FOLDER"
        )
    except (OSError, CheckpointError) as error:
        line = f"nor elsewhere ({error}). The newest whole checkpoint: {newest_whole(run)}"
    run.observer.on_message(f"{reason}; {line}")
    return True


def newest_whole(run: Run) -> str:
    """Return the path of the last checkpoint that is still there, for a message."""
    path = run.last_saved
    return str(path) if path is not None and path.exists() else "there is none"


def _failed(run: Run, reason: str) -> None:
    run.retry_at = time.monotonic() + RETRY_INTERVAL
    if run.unsaved is None:
        run.observer.on_message(
            f"{reason}. Training goes on, and the save is tried again; the newest whole "
            f"checkpoint: {newest_whole(run)}"
        )
    run.unsaved = reason


def _bad_weights(run: Run, arrays: Mapping[str, np.ndarray]) -> str:
    """Return the message about an array with values that are not finite, or ""."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            good = run.last_saved or "there is none"
            return (
                f"step {run.position.step}: {name} holds values that are not finite; nothing is "
                f"saved. Last good checkpoint: {good}. Resume it with lower learning rates"
            )
    return ""


def save_after_error(run: Run, error: Exception) -> None:
    """Save a run that an error in this program has ended, if its state is sound.

    One of several processes saves nothing: the others do not know of the error.

    Adds to the error what became of the run, as a note, and the run's folder, as `folder`.
    """
    if run.folder is None:
        return
    with suppress(Exception):  # the error itself is what has to be told
        if run.group.size == 1:
            save_unless_saved(run)
            save_elsewhere(run)
    is_saved = run.saved_step == run.position.step and run.last_saved is not None
    error.add_note(
        f"the run is saved: {run.last_saved}"
        if is_saved
        else f"the newest whole checkpoint: {newest_whole(run)}"
    )
    error.folder = run.folder.path  # type: ignore[attr-defined]  # `commands.program` looks for it
