"""A run's journal and checkpoints as TensorBoard's event files (the package tensorboardX)."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from convnet import checkpoint
from convnet.errors import CheckpointError, ConvnetError
from convnet.journal import Record, read
from convnet.report.filters import layer_picture
from convnet.runs.events import moment
from convnet.runs.saved import Saved
from convnet.runs.settings import settings_of

MISSING = (
    "TensorBoard's event files need the package tensorboardX: install convnet with its "
    'extra, `pip install "convnet[tensorboard]"`'
)
Scalar = tuple[str, float, int, float | None]  # tag, value, step, seconds since 1970


def write_events(folder: Path, target: Path) -> int:
    """Write the event file of a run; return the number of scalars.

    folder: of the run.  target: folder of the event file; older event files in it are removed, so
    that a run written again replaces what was written before.

    Scalars are the costs and errors of training and tests, the learning rates and the images per
    second, at their steps.  Of each checkpoint there are the histograms of the weights, and the
    first layer's filters as an image.  Settings are a table under "text".

    Raises ConvnetError if the package is missing or the files cannot be written, DataError if there
    is no journal.
    """
    writer_class = _writer_class()
    records = read(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("events.out.tfevents.*"):
            old.unlink()
        with writer_class(str(target)) as writer:
            count = 0
            for tag, value, step, time in scalars(records):
                writer.add_scalar(tag, value, step, walltime=time)
                count += 1
            for saved in _checkpoints(folder):
                _add_checkpoint(writer, saved)
            _add_settings(writer, folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConvnetError(f"{target}: cannot be written ({reason})") from None
    return count


def scalars(records: list[Record]) -> Iterator[Scalar]:
    """Yield the numbers of a journal's training and test records, in its order."""
    for record in records:
        event = record["event"]
        if event not in ("train", "test"):
            continue
        when = moment(record)
        time = when.timestamp() if when else None
        for tag, value in _numbers(record, event):
            if isinstance(value, (int, float)):
                yield tag, value, record["step"], time


def _numbers(record: Record, event: str) -> Iterator[tuple[str, Any]]:
    for layer, numbers in record.get("costs", {}).items():
        for name, value in numbers.items():
            yield f"{event}/{layer}/{name}".replace(" ", "_"), value  # tags have no spaces
    if event == "train":
        rates = record.get("rates")
        for name, value in rates.items() if isinstance(rates, dict) else ():
            yield f"rate/{name}", value
        yield "images_per_second", record.get("images_per_second")


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ConvnetError(MISSING) from None
    return SummaryWriter


def _checkpoints(folder: Path) -> Iterator[Saved]:
    """Yield the checkpoints that can be read, in the order of their steps; of equal steps one."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with suppress(CheckpointError):
            position = checkpoint.Position(*checkpoint.read_header(path)["position"])
            found[position.step] = path
    for step in sorted(found):
        with suppress(CheckpointError):
            yield Saved.of(checkpoint.load_newest(found[step]))


def _add_checkpoint(writer: Any, saved: Saved) -> None:
    step, graph = saved.checkpoint.position.step, saved.graph()
    for node in graph.declared():
        for index in range(len(node.layer.weights())):
            if node.owns(index):
                name = f"{node.name}.weights.{index}"
                writer.add_histogram(f"weights/{name}", saved.weights(node, index), step)
    with suppress(ConvnetError):  # a network may have no layer whose weights are images
        picture = layer_picture(graph, saved.weights)
        writer.add_image("filters", np.asarray(picture.convert("RGB")), step, dataformats="HWC")


def _add_settings(writer: Any, folder: Path) -> None:
    with suppress(CheckpointError):
        facts = checkpoint.read_header(checkpoint.newest(folder))
        rows = [f"| `{name}` | `{value}` |" for name, value in settings_of(facts).items()]
        writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]))
