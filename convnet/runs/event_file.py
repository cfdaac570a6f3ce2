"""An event file of TensorBoard, written by the package tensorboardX."""

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import time as now
from typing import Any

import numpy as np

from convnet.errors import ConvnetError

MISSING = (
    "TensorBoard's event files need the package tensorboardX: install convnet with its "
    'extra, `pip install "convnet[tensorboard]"`'
)
PATTERN = "events.out.tfevents.*"
_SMALLEST, _LARGEST, _RATIO = (
    1e-12,
    1e20,
    1.1,
)  # limits of buckets, those of TensorFlow


def require_package() -> None:
    """Raise ConvnetError if tensorboardX is not installed."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise ConvnetError(MISSING) from None


class EventFile:
    """A new event file in a folder.  Use as a context manager.

    All is written by the caller's thread, which meets the error of a full disk.  (The package's own
    `SummaryWriter` writes in another thread: if that dies, the caller waits forever.)

    Parameters:
        folder: An existing one, of one run.
        after: The run resumes after this step; what other files of the folder have of later
            steps no longer counts.

    Raises:
        OSError: If it cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, after: int | None = None) -> None:
        from tensorboardX import summary
        from tensorboardX.proto import event_pb2
        from tensorboardX.record_writer import RecordWriter

        self._summaries, self._protocol = summary, event_pb2
        self._writer = RecordWriter(str(_unused_path(folder)))
        self._buckets = _buckets()
        self._write(0, None, file_version="brain.Event:2")
        if after is not None:
            log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(after + 1, None, session_log=log)

    def scalars(self, values: Mapping[str, float], step: int, time: float | None) -> None:
        """Write numbers by tag.  time: seconds since 1970; None for now."""
        message = self._summaries.Summary()
        for tag, value in values.items():
            message.value.add(tag=tag, simple_value=value)
        self._write(step, time, summary=message)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Write the distribution of an array's values."""
        self._write(step, None, summary=self._summaries.histogram(tag, values, self._buckets))

    def image(self, tag: str, pixels: np.ndarray, step: int) -> None:
        """Write a picture, uint8 (rows, columns, 3)."""
        self._write(step, None, summary=self._summaries.image(tag, pixels, dataformats="HWC"))

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Write text, which TensorBoard formats."""
        self._write(step, None, summary=self._summaries.text(tag, markdown))

    def hyperparameters(self, values: Mapping[str, str], results: Sequence[str]) -> None:
        """Write a row of the table of hyperparameters.  results: the tags of its other columns."""
        for message in self._summaries.hparams(dict(values), dict.fromkeys(results)):
            self._write(0, None, summary=message)

    def flush(self) -> None:
        """Write what is buffered."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is buffered, and close the file."""
        self._writer.close()

    def _write(self, step: int, time: float | None, **contents: Any) -> None:
        when = now() if time is None else time
        event = self._protocol.Event(step=step, wall_time=when, **contents)
        self._writer.write(event.SerializeToString())

    def __enter__(self) -> "EventFile":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(OSError):  # the error that ended the block is the one to tell
                self.close()


def remove_event_files(folder: Path) -> None:
    """Remove the event files in a folder.  OSError."""
    for path in folder.glob(PATTERN):
        path.unlink()


def _unused_path(folder: Path) -> Path:
    """A name in the order of time, which is the order in which TensorBoard reads the files."""
    stem = f"events.out.tfevents.{int(now())}.{platform.node() or 'host'}"
    paths = (folder / f"{stem}.{number:03}" for number in count())
    return next(path for path in paths if not path.exists())


def _buckets() -> np.ndarray:
    """The limits of the buckets, float64: powers of 1.1, positive and negative, and 0."""
    powers = int(np.log(_LARGEST / _SMALLEST) / np.log(_RATIO)) + 1
    positive = _SMALLEST * _RATIO ** np.arange(powers)
    return np.concatenate([-positive[::-1], [0.0], positive])
