"""What TensorBoard gets to see of a run: the same whether it is written meanwhile or afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from convnet import checkpoint
from convnet.errors import CheckpointError, ConvnetError
from convnet.journal import Record, read
from convnet.report.filters import layer_picture
from convnet.runs.event_file import EventFile, remove_event_files, require_package
from convnet.runs.events import moment
from convnet.runs.saved import Saved
from convnet.runs.settings import settings_of


def write_events(folder: Path, target: Path) -> int:
    """Write the event file of a run; return the number of scalars.

    folder: of the run.  target: folder of the event file; older event files in it are removed, so
    that a run written again replaces what was written before.

    Scalars are the costs and errors of training and tests, the learning rates and the images per
    second, at their steps.  Of each checkpoint there are the histograms of the weights, and the
    first layer's filters as an image.  Settings are a table under "text", and hyperparameters.

    Raises ConvnetError if the package is missing or the files cannot be written, DataError if there
    is no journal.
    """
    require_package()
    records = read(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        remove_event_files(target)
        with EventFile(target) as file:
            count = add_records(file, records)
            for saved in _checkpoints(folder):
                add_checkpoint(file, saved)
            with suppress(CheckpointError):
                facts = checkpoint.read_header(checkpoint.newest(folder))
                add_settings(file, facts)
                file.hyperparameters(settings_of(facts), results_of(records))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConvnetError(f"{target}: cannot be written ({reason})") from None
    return count


# -- records ---------------------------------------------------------------------------------------


def add_records(file: EventFile, records: Sequence[Record]) -> int:
    """Write the numbers of a journal's training and test records; return how many."""
    count = 0
    for record in records:
        values = dict(scalars(record))
        if values:
            when = moment(record)
            file.scalars(values, record["step"], when.timestamp() if when else None)
        count += len(values)
    return count


def scalars(record: Record) -> Iterator[tuple[str, float]]:
    """Yield tag and value of each number of a training or test record; none of other records."""
    if record["event"] in ("train", "test"):
        for tag, value in _numbers(record):
            if isinstance(value, (int, float)):
                yield tag, value


def results_of(records: Sequence[Record]) -> list[str]:
    """Return the tags of the numbers of a test: of the first one."""
    first = next((record for record in records if record["event"] == "test"), None)
    return [tag for tag, _ in scalars(first)] if first else []


def _numbers(record: Record) -> Iterator[tuple[str, Any]]:
    event = record["event"]
    for layer, numbers in record.get("costs", {}).items():
        for name, value in numbers.items():
            yield f"{event}/{layer}/{name}".replace(" ", "_"), value  # tags have no spaces
    if event == "train":
        rates = record.get("rates")
        for name, value in rates.items() if isinstance(rates, dict) else ():
            yield f"rate/{name}", value
        yield "images_per_second", record.get("images_per_second")


# -- checkpoints -----------------------------------------------------------------------------------


def _checkpoints(folder: Path) -> Iterator[Saved]:
    """Yield the checkpoints that can be read, in the order of their steps; of equal steps one."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with suppress(CheckpointError):
            position = checkpoint.Position(*checkpoint.read_header(path)["position"])
            found[position.step] = path
    for step in sorted(found):
        with suppress(CheckpointError):
            yield Saved.of(checkpoint.load_newest(found[step], for_test=True))


def add_checkpoint(file: EventFile, saved: Saved) -> None:
    """Write the distribution of each layer's weights, and the first layer's filters."""
    step, graph = saved.checkpoint.position.step, saved.graph()
    for node in graph.declared():
        for index in range(len(node.layer.weights())):
            if node.owns(index):
                name = f"{node.name}.weights.{index}"
                file.histogram(f"weights/{name}", saved.weights(node, index), step)
    with suppress(ConvnetError):  # a network may have no layer whose weights are images
        file.image("filters", layer_picture(graph, saved.weights).convert("RGB"), step)


def add_settings(file: EventFile, facts: Mapping[str, Any], step: int = 0) -> None:
    """Write all options and keys of a run as a table.  facts: as for `settings_of`."""
    rows = [f"| `{name}` | `{value}` |" for name, value in settings_of(facts).items()]
    file.text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]), step)
