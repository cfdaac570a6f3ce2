"""Read the state of a model as one of the original systems saved it (docs/dialect.md, 11)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convnet.data.pickle.records import Record
from convnet.data.pickle.unpickler import read_records
from convnet.errors import CheckpointError, DataError
from convnet.language import harmless, quoted
from convnet.originals.plain import plain, plain_keys

_NUMBERED = re.compile(r"(\d{1,9})\.(\d{1,9})\Z")
_NAME = re.compile(r"[\w.+-]{1,200}\Z", re.ASCII)

_ARRAYS = ("weights", "weightsInc", "biases", "biasesInc", "filterConns")
_MOST_LAYERS = 5_000  # the largest published net has 60

OldLayer = dict[str, Any]  # the keys that a file stores for a layer


@dataclass
class OldModel:
    """A model with its keys as stored, apart from "inputs" and "owners".

    system: cc1, chm or cc2.  layers: by name, inputs first.  "inputs" contains the names of a
    layer's inputs; "owners", by input, the (layer, input) whose weights it shares, or None.
    outputs: "train" and "test" -> costs of the batches.  options: of the command line, by their
    internal names.
    """

    path: Path
    system: str
    layers: dict[str, OldLayer]
    epoch: int
    batch: int
    outputs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def wrong(self, message: str) -> CheckpointError:
        """Return the error for a file whose contents cannot be used."""
        return _wrong(self.path, message)


def read_model(path: str | Path) -> OldModel:
    """Read a checkpoint file, or the newest one of a folder.  CheckpointError."""
    path = _newest(Path(path))
    try:
        found: Any = read_records(path)
    except DataError as error:
        raise CheckpointError(str(error)) from None
    state = found.get("model_state") if type(found) is dict else None
    if type(state) is not dict or type(state.get("layers")) not in (list, dict):
        raise _wrong(
            path, "is not a checkpoint of the original systems: it has no model_state with layers"
        )
    layers = _by_name(path, state["layers"])
    system = "cc1" if type(state["layers"]) is list else _later_system(layers.values())
    return OldModel(
        path,
        system,
        _in_order(path, layers),
        _count(path, state, "epoch"),
        _count(path, state, "batchnum"),
        {key: plain(state.get(f"{key}_outputs")) or [] for key in ("train", "test")},
        _options(found.get("op")),
    )


def as_text(value: object) -> str | None:
    """Return a text of Python 2, which pickles store as bytes; None for anything else."""
    if type(value) is bytes:
        return value.decode("latin-1")
    return value if type(value) is str else None


def _wrong(path: Path, message: str) -> CheckpointError:
    return CheckpointError(f"{harmless(str(path))}: {message}")


def _newest(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [
        (tuple(map(int, match.groups())), file)
        for file in path.iterdir()
        if (match := _NUMBERED.match(file.name)) and file.is_file()
    ]
    if not found:
        raise _wrong(path, "holds no files named <epoch>.<batch>, as the original systems save")
    return max(found)[1]


def _count(path: Path, state: dict[str, Any], key: str) -> int:
    value = state.get(key)
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise _wrong(path, f"is damaged: its {key} is not a count")
    return value


def _by_name(path: Path, stored: Any) -> dict[str, OldLayer]:
    """Return copies of the layers by name, with checked "name", "type", "inputs" and "owners"."""
    listed = stored if type(stored) is list else list(stored.values())
    if not listed or not all(type(layer) is dict for layer in listed):
        raise _wrong(path, "is damaged: a layer is not a dictionary")
    if len(listed) > _MOST_LAYERS:
        raise _wrong(path, f"has {len(listed):,} layers; at most {_MOST_LAYERS:,} are allowed")
    names = [_name(path, layer.get("name")) for layer in listed]
    if len(set(names)) < len(names):
        raise _wrong(path, "is damaged: two layers have the same name")
    listed = [plain_keys(layer, _ARRAYS) for layer in listed]
    layers = {}
    for name, layer in zip(names, listed, strict=True):
        inputs = _inputs(path, name, layer.get("inputs", []), names, type(stored) is list)
        kind = as_text(layer.get("type"))
        own = {"name": name, "type": kind, "inputs": inputs}
        layers[name] = {**layer, **own, "owners": _owners(path, name, layer, names)}
    return layers


def _name(path: Path, value: object) -> str:
    text = as_text(value)
    if text is None or not _NAME.match(text):
        found = quoted(text) if text is not None else f"of the type {type(value).__name__}"
        raise _wrong(path, f"is damaged: a layer has the name {found}, which is not allowed")
    return text


def _inputs(path: Path, name: str, stored: Any, names: list[str], by_index: bool) -> list[str]:
    """Return the names of a layer's inputs, which are stored by name or by index."""
    stored = [stored] if type(stored) in (bytes, str) else stored
    known = range(len(names))
    found = []
    for each in stored if type(stored) in (list, tuple) else [None]:
        text = names[each] if by_index and type(each) is int and each in known else as_text(each)
        if text not in names:
            raise _wrong(path, f"is damaged: {name} has an input that is not a layer")
        found.append(text)
    return found


def _owners(
    path: Path, name: str, layer: OldLayer, names: list[str]
) -> list[tuple[str, int] | None]:
    """Return whose weights the inputs share, stored by name or by index (docs/dialect.md, 11)."""
    sources = layer.get("weightSourceLayers", layer.get("weightSourceLayerIndices"))
    places = layer.get("weightSourceMatrixIndices")
    if type(sources) is not list or type(places) is not list:
        return []
    found = []
    for source, place in zip(sources, places, strict=False):
        if type(source) is int:
            source = names[source] if 0 <= source < len(names) else ""
        source = as_text(source)
        if source and (source not in names or type(place) is not int):
            raise _wrong(path, f"is damaged: {name} shares weights, but not of a layer")
        found.append((source, place) if source else None)
    return found


def _later_system(layers: Iterable[OldLayer]) -> str:
    """Return "cc2" for files with schedules as rates, lists of devices, or sumWidth."""
    for layer in layers:
        rates = layer.get("epsW")
        schedules = type(rates) is list and any(type(rate) is dict for rate in rates)
        if schedules or "sumWidth" in layer or type(layer.get("gpu")) is list:
            return "cc2"
    return "chm"


def _in_order(path: Path, layers: dict[str, OldLayer]) -> dict[str, OldLayer]:
    """Sort the layers so that inputs come first: the dictionaries of Python 2 have no order."""
    ordered: dict[str, OldLayer] = {}
    waiting = list(layers)
    # Data layers first, the others in the order of the file.
    waiting.sort(key=lambda name: layers[name]["type"] != "data")
    needs = {
        name: {*layer["inputs"], *(owner[0] for owner in layer["owners"] if owner)}
        for name, layer in layers.items()
    }
    while waiting:
        ready = [name for name in waiting if needs[name] - {name} <= ordered.keys()]
        if not ready:
            raise _wrong(path, f"is damaged: {waiting[0]} is among its own inputs")
        ordered |= {name: layers[name] for name in ready}
        waiting = [name for name in waiting if name not in ordered]
    return ordered


def _options(op: object) -> dict[str, Any]:
    """Return the values of the command line, as far as the file has them in the known form."""
    options = op.get("options") if type(op) is Record else None
    found = {}
    for name, option in options.items() if type(options) is dict else ():
        if type(option) is Record:
            value = plain(option.get("value"))
            found[name] = as_text(value) if type(value) is bytes else value
    return found
