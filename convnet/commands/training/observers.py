"""What follows a training run: the progress display, and TensorBoard's event file if asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convnet.commands.training.progress import Progress
from convnet.runs.tensorboard_log import TensorBoardLog
from convnet.train.observer import Observer, Observers
from convnet.train.run import Run


@contextmanager
def observers(run: Run, progress: Progress, events: Path | None) -> Iterator[Observer]:
    """Give the observer of a run.

    events: folder for TensorBoard; the run's event files are in a folder of its name in it.  A run
    that saves nothing has none.
    """
    if events is None or run.folder is None:
        yield progress
        return
    log = TensorBoardLog(events / run.folder.path.resolve().name, run, progress.on_message)
    try:
        yield Observers([progress, log])
    finally:
        log.close()
