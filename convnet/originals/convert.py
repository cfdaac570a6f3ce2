"""Convert an old checkpoint: spec texts, arrays, position, history and options."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from convnet.checkpoint import Checkpoint, Position
from convnet.errors import CheckpointError, SpecError
from convnet.graph.build import build
from convnet.graph.graph import Graph
from convnet.graph.infer_inputs import declared_classes
from convnet.language import Source, quoted
from convnet.language.specs import Specs
from convnet.layers.cost import Cost
from convnet.originals.arrays import arrays_of
from convnet.originals.model import OldModel, as_text, read_model
from convnet.originals.spec_text import spec_texts
from convnet.stored.paths import path_problem

_MINIBATCH, _EPOCHS = 128, 50_000  # the originals' defaults (docs/dialect.md, 10)


@dataclass
class Imported:
    """The result of an import.  notes: lines that the user should see."""

    checkpoint: Checkpoint
    graph: Graph
    model: OldModel
    notes: list[str]


def import_checkpoint(path: str | Path, out: str | Path = "imported") -> Imported:
    """Read a checkpoint of one of the original systems: a file, or the newest of a folder.

    out: the file that the result will be saved as; it names the spec texts.  CheckpointError if the
    file is no such checkpoint, if it is damaged, or if its network cannot be built here.
    """
    model, out = read_model(path), Path(out)
    layers, params = (
        Source.from_text(text, out.with_suffix(suffix).name)
        for text, suffix in zip(spec_texts(model), (".cfg", ".params"), strict=True)
    )
    graph = _build(model, Specs.parse(layers, params))
    options, notes = _options(model, graph)
    data, minibatch = _data_path(model), options["minibatch"]
    if not data:
        notes.append(_missing_data(model))
    imported = Checkpoint(
        arrays_of(model, graph),
        layers,
        params,
        model.system,
        position=_position(model, minibatch),
        options=options,
        history=_history(model, graph, minibatch),
        data=data,
        number=1,
    )
    return Imported(imported, graph, model, notes)


def _build(model: OldModel, specs: Specs) -> Graph:
    """Build the graph of the specs that were written for a model.  CheckpointError."""
    try:
        specs.problems.raise_errors()
        return build(
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
            "the spec files that the stored keys correspond to)"
        ) from None


def _data_dims(model: OldModel) -> dict[int, int]:
    """Return the values per case of each data matrix, by dataIdx."""
    dims: dict[int, int] = {}
    for layer in model.layers.values():
        if layer["type"] == "data":
            index, rows = layer.get("dataIdx"), layer.get("end") or layer.get("outputs")
            if type(index) is not int or type(rows) is not int:
                raise model.wrong(f"is damaged: the size of {layer['name']} is not a count")
            dims[index] = max(rows, dims.get(index, 0))
    return dims


# -- options -------------------------------------------------------------------------------------


def _options(model: OldModel, graph: Graph) -> tuple[dict[str, Any], list[str]]:
    """Return the options of a run, and notes about those that the file does not contain."""
    known, notes = model.options, []
    minibatch = _positive(known.get("minibatch_size"))
    if minibatch is None:
        notes.append(f"the file does not state the minibatch: {_MINIBATCH} is used")
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


def _positive(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 1 << 20 else None


def _numbers(value: object) -> list[int]:
    """Return a list of counts, or [] if it is anything else."""
    if not isinstance(value, list | tuple):
        return []
    return list(value) if all(type(n) is int and 0 <= n < 1 << 31 for n in value) else []


def _range(value: object) -> str | None:
    """Return "first-last" of a list of consecutive batches, else None."""
    numbers = _numbers(value)
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _data_path(model: OldModel) -> str:
    """Return the folder of the data if it is there, else ""."""
    path = _stored_data_path(model)
    return path if path and not path_problem(path) and Path(path).is_dir() else ""


def _stored_data_path(model: OldModel) -> str:
    return as_text(model.options.get("data_path")) or ""


def _missing_data(model: OldModel) -> str:
    path = _stored_data_path(model)
    return "the data must be named: --data FOLDER" + (f" (it was {quoted(path)})" if path else "")


# -- position and history ------------------------------------------------------------------------


def _position(model: OldModel, minibatch: int) -> Position:
    """Return the position after the saved batch, with data batches as "minibatches".

    A run that resumes from there converts them to its own minibatches.
    """
    batches = _numbers(model.options.get("train_batch_range"))
    done = batches.index(model.batch) + 1 if model.batch in batches else 0
    epoch, done = (
        max(model.epoch - 1, 0) + done // max(len(batches), 1),
        done % max(len(batches), 1),
    )
    step = sum(math.ceil(cases / minibatch) for _, cases in _entries(model.outputs["train"]))
    return Position(epoch, done, step, len(batches))


def _entries(stored: object) -> list[tuple[dict[str, list[float]], int]]:
    """Return (cost layer -> sums, cases) of each batch, as far as it has the known form."""
    found = []
    for entry in stored if isinstance(stored, list) else []:
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


def _history(model: OldModel, graph: Graph, minibatch: int) -> dict[str, Any]:
    """Return the history of all data batches that were trained, and of the tests."""
    costs = {node.name: cast(Cost, node.layer) for node in graph.nodes if node.is_cost}
    batches = len(_numbers(model.options.get("train_batch_range"))) or 1
    train: list[dict[str, Any]] = []
    step = 0
    for number, (sums, cases) in enumerate(_entries(model.outputs["train"]), 1):
        step += math.ceil(cases / minibatch)
        train.append(_entry(costs, sums, cases, step, number / batches))
    tests = _entries(model.outputs["test"])
    places = _places_of_tests(len(train), len(tests), _positive(model.options.get("testing_freq")))
    test = [
        _entry(costs, sums, cases, train[at - 1]["step"] if at else 0, at / batches)
        for (sums, cases), at in zip(tests, places, strict=True)
    ]
    return {"train": train, "test": test}


def _places_of_tests(batches: int, tests: int, every: int | None) -> list[int]:
    """Return the number of batches trained before each test, which the files do not record.

    A test came after each `every` batches (the option --test-freq), if that makes as many; else the
    tests are spread evenly.
    """
    if every is not None and batches // every == tests:
        return [(i + 1) * every for i in range(tests)]
    return [round((i + 1) * batches / tests) for i in range(tests)]


def _entry(
    layers: dict[str, Cost], sums: dict[str, list[float]], cases: int, step: int, epoch: float
) -> dict[str, Any]:
    costs = {
        name: {key: n / cases for key, n in zip(layers[name].numbers(), numbers, strict=False)}
        for name, numbers in sums.items()
        if name in layers
    }
    return {"step": step, "epoch": epoch, "cases": cases, "costs": costs}
