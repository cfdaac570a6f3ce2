"""An old checkpoint as one of ours: spec texts, arrays, position, history and options."""

import math
from dataclasses import dataclass
from pathlib import Path

from convnet.checkpoint import Checkpoint, Position
from convnet.errors import CheckpointError, SpecError
from convnet.graph.build import Graph, build
from convnet.graph.infer_inputs import declared_classes
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.originals.arrays import arrays_of
from convnet.originals.model import OldModel, as_text, read_model
from convnet.originals.spec_text import spec_texts

_MINIBATCH, _EPOCHS = 128, 50_000  # the originals' defaults (dialect, 10)


@dataclass
class Imported:
    """What came of an import.  notes: lines the user should see."""

    checkpoint: Checkpoint
    graph: Graph
    model: OldModel
    notes: list[str]


def import_checkpoint(path: str | Path, out: str | Path = "imported") -> Imported:
    """Read a checkpoint of the original systems: a file, or a folder's newest.

    out: the file it is for; the spec texts are called after it.  CheckpointError if it is no such
    checkpoint, or damaged, or of a network that cannot be built here.
    """
    model, out = read_model(path), Path(out)
    texts = spec_texts(model)
    sources = [
        Source.from_text(text, out.with_suffix(suffix).name)
        for text, suffix in zip(texts, (".cfg", ".params"), strict=True)
    ]
    specs = Specs.parse(*sources)
    try:
        specs.problems.raise_errors()
        graph = build(
            specs.layers,
            specs.params,
            specs.problems,
            dialect=model.system,
            data_dims=_data_dims(model),
            classes=declared_classes(specs.layers),
        )
    except SpecError as error:
        raise CheckpointError(
            f"{model.path}: its network cannot be built here:\n{error}\n(the lines are those of "
            "the files that the stored keys stand for)"
        ) from None
    options, notes = _options(model, graph)
    imported = Checkpoint(
        arrays_of(model, graph),
        *sources,
        model.system,
        position=_position(model, options["minibatch"]),
        options=options,
        history=_history(model, graph, options["minibatch"]),
        data=_data_path(model, notes),
        number=1,
    )
    return Imported(imported, graph, model, notes)


def _data_dims(model) -> dict[int, int]:
    dims = {}
    for layer in model.layers.values():
        if layer["type"] == "data":
            index, rows = layer.get("dataIdx"), layer.get("end") or layer.get("outputs")
            if type(index) is not int or type(rows) is not int:
                raise model.wrong(f"is damaged: the size of {layer['name']} is no count")
            dims[index] = max(rows, dims.get(index, 0))
    return dims


# -- options -------------------------------------------------------------------------------------


def _options(model, graph) -> tuple[dict, list[str]]:
    """The options of a run of ours, and notes about what could not be known."""
    known, notes = model.options, []
    minibatch = _positive(known.get("minibatch_size"))
    if minibatch is None:
        notes.append(f"the file does not tell the minibatch: taking {_MINIBATCH}")
    data = {
        "train_range": _range(known.get("train_batch_range")),
        "test_range": _range(known.get("test_batch_range")),
        "inner_size": _positive(known.get("inner_size")),
    }
    provider = as_text(known.get("dp_type")) or ""
    if "cropped" in provider and not data["inner_size"]:
        data["crop_border"] = _positive(known.get("crop_border"))
    return {
        "data_dims": {str(index): rows for index, rows in graph.data_dims.items()},
        "minibatch": minibatch or _MINIBATCH,
        "epochs": _positive(known.get("num_epochs")) or _EPOCHS,
        "data_options": {key: value for key, value in data.items() if value},
    }, notes


def _positive(value) -> int | None:
    return value if type(value) is int and 0 < value < 1 << 20 else None


def _numbers(value) -> list[int]:
    good = type(value) in (list, tuple) and all(type(n) is int and 0 <= n < 1 << 31 for n in value)
    return list(value) if good else []


def _range(value) -> str | None:
    """first-last of a list of batches, where it is one."""
    numbers = _numbers(value)
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _data_path(model, notes) -> str:
    path = as_text(model.options.get("data_path")) or ""
    if path and Path(path).is_dir():
        return path
    notes.append("the data must be named: --data FOLDER" + (f" (it was {path!r})" if path else ""))
    return ""


# -- position and history ------------------------------------------------------------------------


def _position(model, minibatch) -> Position:
    """The place behind the saved batch; the "minibatches" of an epoch are data batches here.

    A run that goes on from there converts them to its own.
    """
    batches = _numbers(model.options.get("train_batch_range"))
    done = batches.index(model.batch) + 1 if model.batch in batches else 0
    epoch, done = (
        max(model.epoch - 1, 0) + done // max(len(batches), 1),
        done % max(len(batches), 1),
    )
    step = sum(math.ceil(cases / minibatch) for _, cases in _entries(model.outputs["train"]))
    return Position(epoch, done, step, len(batches))


def _entries(stored) -> list[tuple[dict, int]]:
    """(cost layer -> sums, cases) of each batch, of what has the known form."""
    found = []
    for entry in stored if type(stored) is list else []:
        pair = type(entry) in (tuple, list) and len(entry) == 2
        if pair and type(entry[0]) is dict and type(entry[1]) is int and entry[1] > 0:
            sums = {
                name: [float(n) for n in numbers]
                for name, numbers in entry[0].items()
                if type(numbers) in (list, tuple) and all(type(n) in (int, float) for n in numbers)
            }
            if all(math.isfinite(n) for numbers in sums.values() for n in numbers):
                found.append((sums, entry[1]))
    return found


def _history(model, graph, minibatch) -> dict:
    """Tests are spread evenly over the run: the files do not tell when they were."""
    costs = {node.name: node.layer for node in graph.nodes if node.is_cost}
    batches = len(_numbers(model.options.get("train_batch_range"))) or 1
    train, step = [], 0
    for number, (sums, cases) in enumerate(_entries(model.outputs["train"]), 1):
        step += math.ceil(cases / minibatch)
        train.append(_entry(costs, sums, cases, step, number / batches))
    tests = _entries(model.outputs["test"])
    places = [round((i + 1) * len(train) / len(tests)) for i in range(len(tests))]
    test = [
        _entry(costs, sums, cases, train[at - 1]["step"] if at else 0, at / batches)
        for (sums, cases), at in zip(tests, places, strict=True)
    ]
    return {"train": train, "test": test}


def _entry(layers, sums, cases, step, epoch):
    costs = {
        name: {key: n / cases for key, n in zip(layers[name].numbers(), numbers, strict=False)}
        for name, numbers in sums.items()
        if name in layers
    }
    return {"step": step, "epoch": epoch, "cases": cases, "costs": costs}
