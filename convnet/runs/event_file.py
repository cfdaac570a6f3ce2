"""An event file of TensorBoard, written with the package `tensorboard`.

Not with PyTorch's writer nor tensorboardX: these import PyTorch, whose threads slow down training.
"""

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path
from time import time as now
from typing import Any

import numpy as np
from PIL import Image

from convnet.errors import ConvnetError

MISSING = (
    "event files need the package tensorboard: install convnet with its extra, "
    '`pip install "convnet[tensorboard]"`'
)
PATTERN = "events.out.tfevents.*"
_SMALLEST, _LARGEST, _RATIO = 1e-12, 1e20, 1.1  # limits of buckets, those of TensorFlow


def require_package() -> None:
    """Raise ConvnetError if TensorBoard is not installed."""
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError:
        raise ConvnetError(MISSING) from None


class EventFile:
    """A new event file in a folder.  Use as a context manager.

    All is written by the caller's thread, which meets the error of a full disk.

    Parameters:
        folder: An existing one, of one run.
        after: The run resumes after this step; what other files of the folder have of later
            steps no longer counts.

    Raises:
        OSError: If it cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, after: int | None = None) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._events, self._summaries = event_pb2, summary_pb2
        self._writer = RecordWriter(_unused_path(folder).open("wb"))
        self._edges = _edges()
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
        message = self._summaries.Summary()
        limits, counts = counted(values, self._edges)
        exact = values.astype(np.float64).ravel()
        content = message.value.add(tag=tag).histo
        # No dot product: the threads of BLAS would spin on the cores that training needs.
        squares = (exact * exact).sum()
        content.num, content.sum, content.sum_squares = exact.size, exact.sum(), squares
        content.min, content.max = exact.min(), exact.max()
        content.bucket_limit.extend(limits)
        content.bucket.extend(counts)
        self._write(step, None, summary=message)

    def image(self, tag: str, picture: Image.Image, step: int) -> None:
        """Write an RGB picture."""
        encoded = BytesIO()
        picture.save(encoded, "PNG", compress_level=1)  # the default takes several times as long
        message = self._summaries.Summary()
        content = message.value.add(tag=tag).image
        content.width, content.height, content.colorspace = *picture.size, len(picture.mode)
        content.encoded_image_string = encoded.getvalue()
        self._write(step, None, summary=message)

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Write text, which TensorBoard formats."""
        from tensorboard.compat.proto import tensor_pb2, types_pb2
        from tensorboard.plugins.text import metadata

        tensor = tensor_pb2.TensorProto(
            dtype=types_pb2.DT_STRING, string_val=[markdown.encode("utf-8", "replace")]
        )
        about = metadata.create_summary_metadata(tag, "")
        message = self._summaries.Summary()
        message.value.add(tag=f"{tag}/text_summary", tensor=tensor, metadata=about)
        self._write(step, None, summary=message)

    def hyperparameters(self, values: Mapping[str, str], results: Sequence[str]) -> None:
        """Write a row of the table of hyperparameters.  results: the tags of its other columns."""
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        kind = api_pb2.DATA_TYPE_STRING
        experiment = api_pb2.Experiment(
            hparam_infos=[api_pb2.HParamInfo(name=name, type=kind) for name in values],
            metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in results],
        )
        start = plugin_data_pb2.SessionStartInfo()
        for name, value in values.items():
            start.hparams[name].string_value = value
        end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS)
        contents = {
            metadata.EXPERIMENT_TAG: {"experiment": experiment},
            metadata.SESSION_START_INFO_TAG: {"session_start_info": start},
            metadata.SESSION_END_INFO_TAG: {"session_end_info": end},
        }
        for tag, content in contents.items():
            data = plugin_data_pb2.HParamsPluginData(**content)
            message = self._summaries.Summary()
            message.value.add(tag=tag, metadata=metadata.create_summary_metadata(data))
            self._write(0, None, summary=message)

    def flush(self) -> None:
        """Write what is buffered."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is buffered, and close the file."""
        self._writer.close()

    def _write(self, step: int, time: float | None, **contents: Any) -> None:
        when = now() if time is None else time
        event = self._events.Event(step=step, wall_time=when, **contents)
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


def counted(values: np.ndarray, edges: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the upper limits of buckets and the values in each, from the first to the last filled.

    edges: between the buckets, ascending.  A value at an edge belongs to the bucket above it.
    Empty buckets next to each other are one.
    """
    places = np.searchsorted(np.sort(values, axis=None), edges)
    counts = np.diff(places)
    filled = np.flatnonzero(counts)
    if not len(filled):
        return [float(edges[-1])], [0.0]
    first, last = int(filled[0]), int(filled[-1]) + 1
    # The first limit is the lower end of what follows: TensorBoard has no other place for it.
    limits, found = edges[first : last + 1], np.concatenate([[0.0], counts[first:last]])
    kept = (found > 0) | np.append(found[1:] > 0, True)
    kept[0] = True
    return limits[kept].tolist(), found[kept].tolist()


def _unused_path(folder: Path) -> Path:
    """A name in the order of time, which is the order in which TensorBoard reads the files."""
    stem = f"events.out.tfevents.{int(now())}.{platform.node() or 'host'}"
    paths = (folder / f"{stem}.{number:03}" for number in count())
    return next(path for path in paths if not path.exists())


def _edges() -> np.ndarray:
    """The edges of the buckets, float64: powers of 1.1, positive and negative, and 0."""
    powers = int(np.log(_LARGEST / _SMALLEST) / np.log(_RATIO)) + 1
    positive = _SMALLEST * _RATIO ** np.arange(powers)
    return np.concatenate([-positive[::-1], [0.0], positive])
