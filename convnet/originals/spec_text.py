"""Write the layer file and the params file of an old model from the keys it stores."""

import math
import re
from collections.abc import Callable
from typing import Any

from convnet.errors import CheckpointError
from convnet.language import harmless
from convnet.language.fields import Field, NamesField
from convnet.layers import LAYER_TYPES
from convnet.layers.nonlinearity import NEURONS
from convnet.originals.model import OldLayer, OldModel, as_text

# Derived when a net is built, or not needed where its weights are given.
_LEFT_OUT = {"type", "inputs", "neuron", "initWFunc", "initBFunc", "initCFunc", "weightSource"}
_WORD = re.compile(r"[\w.+-]+\Z", re.ASCII)

Wrong = Callable[[str], CheckpointError]  # the error for a key that has an unknown form


def spec_texts(model: OldModel) -> tuple[str, str]:
    """Return the texts of the layer file and of the params file.  CheckpointError."""
    neurons = _detached(model)
    sections = [
        _Section(model, layer, neurons)
        for layer in model.layers.values()
        if layer["name"] not in neurons
    ]
    title = f"# Written by convnet import from {harmless(model.path.name)}\n"
    layers = "\n".join(section.layers_text() for section in sections)
    params = "\n".join(filter(None, (section.params_text() for section in sections)))
    return f"{title}\n{layers}", f"{title}\n{params}"


def _detached(model: OldModel) -> dict[str, str]:
    """Map neuron layers to the layer whose `neuron=` they were, where that can be restored.

    The systems move every neuron into a separate layer, <name>_neuron (docs/dialect.md, 2).
    """
    found = {}
    for name, layer in model.layers.items():
        if layer["type"] != "neuron" or len(layer["inputs"]) != 1 or layer.get("dropout"):
            continue
        (source,) = layer["inputs"]
        readers = [other for other in model.layers.values() if source in other["inputs"]]
        kind = LAYER_TYPES.get(model.layers[source]["type"])
        own = name == f"{source}_neuron" and len(readers) == 1
        if own and kind is not None and kind.has_neuron:
            found[name] = source
    return found


class _Section:
    """One layer's sections of the two files."""

    def __init__(self, model: OldModel, layer: OldLayer, neurons: dict[str, str]):
        self.model, self.layer, self.neurons = model, layer, neurons
        self.name, self.type = layer["name"], layer["type"]
        if self.type not in LAYER_TYPES:
            raise model.wrong(f"{self.name} is of the unknown type {self.type!r:.60}")
        self.fields = LAYER_TYPES[self.type].fields.values()
        self.keys: dict[str, dict[str, str | None]] = {"layers": {}, "params": {}}
        self._read()

    def wrong(self, key: str) -> CheckpointError:
        """Return the error for a key that has an unknown form."""
        return self.model.wrong(f"is damaged: {key} of {self.name} is not of the expected form")

    def layers_text(self) -> str:
        """Return the section of the layer file."""
        inputs = [self.neurons.get(name, name) for name in self.layer["inputs"]]
        lines = [f"[{self.name}]", f"type={self.type}"]
        lines += [f"inputs={','.join(inputs)}"] if inputs else []
        return "\n".join([*lines, *self._lines("layers")]) + "\n"

    def params_text(self) -> str:
        """Return the section of the params file, "" if there is none."""
        needed = LAYER_TYPES[self.type].needs_params or self.keys["params"]
        return "\n".join([f"[{self.name}]", *self._lines("params")]) + "\n" if needed else ""

    def _lines(self, file: str) -> list[str]:
        return [f"{key}={text}" for key, text in self.keys[file].items() if text is not None]

    def _read(self) -> None:
        for field in self.fields:
            if field.key not in _LEFT_OUT:
                self._read_key(field)
        own = self.keys["layers"]
        own["neuron"] = self._neuron()
        own["weightSource"] = self._weight_source()
        if self.model.system == "cc1" or "-" in (own.get("gpu") or ""):
            own["gpu"] = None
        if self.type == "data":
            own |= self._image()

    def _read_key(self, field: Field) -> None:
        value = stored(self.layer, field.key, self.wrong)
        if value is None or _is_default(field, value):
            return
        file = field.file
        if file == "either":
            file = "params" if self.model.system == "cc2" else "layers"
        if field.key in ("schedW", "schedB"):
            text = _schedule(value, self.wrong(field.key))
        elif field.key in ("epsW", "epsB"):
            text = _joined(value, lambda rate: _rate(rate, self.wrong(field.key)))
        else:
            text = _joined(value, lambda item: _plain(item, self.wrong(field.key)))
        if isinstance(field, NamesField):
            text = text or None
        self.keys[file][field.key] = text

    def _neuron(self) -> str | None:
        """Return a neuron layer's own neuron; else the one that was detached from the layer."""
        detached = [name for name, source in self.neurons.items() if source == self.name]
        if self.type != "neuron" and not detached:
            return None
        layer = self.model.layers[detached[0]] if detached else self.layer
        neuron = layer.get("neuron")
        if type(neuron) not in (dict, bytes, str, type(None)):
            raise self.wrong("neuron")
        if type(neuron) is not dict:
            return as_text(neuron) if neuron in [name.encode() for name in NEURONS] else None
        kind, parameters = as_text(neuron.get("type")), neuron.get("params") or {}
        if kind not in NEURONS or type(parameters) is not dict:
            raise self.wrong("neuron")
        numbers = [parameters.get(letter) for letter in NEURONS[kind].parameters]
        if not numbers:
            return kind
        return f"{kind}[{','.join(_plain(n, self.wrong('neuron')) for n in numbers)}]"

    def _weight_source(self) -> str | None:
        owners = self.layer["owners"]
        sources = [f"{owner[0]}[{owner[1]}]" if owner else "" for owner in owners]
        return ",".join(sources) if any(sources) else None

    def _image(self) -> dict[str, str]:
        """Return `channels` and `imgSize`, as the layers that read the data as images have them."""
        size = self.layer.get("outputs")
        for reader in self.model.layers.values():
            if self.name in reader["inputs"] and type(size) is int and size > 0:
                at, channels = reader["inputs"].index(self.name), reader.get("channels")
                channels = channels[at : at + 1] if type(channels) is list else [channels]
                for count in channels:
                    side = math.isqrt(size // count) if type(count) is int and count > 0 else 0
                    if side and side * side * count == size:
                        return {"channels": str(count), "imgSize": str(side)}
        return {}


def stored(layer: OldLayer, key: str, wrong: Wrong) -> Any:
    """Return a key's value as the layer file had it; None if it is not stored.

    See docs/dialect.md, 3.3 and 3.6.
    """
    value, kind = layer.get(key), layer["type"]
    undo = _UNDO.get((kind, key)) or _UNDO.get(key)
    if value is None or undo is None:
        return value
    try:
        return undo(layer, value)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        raise wrong(key) from None


def per_input(layer: OldLayer, key: str) -> list[Any]:
    """Return a stored list, or the single value that early versions stored for one input."""
    value = layer.get(key, _EARLY.get(key))
    return value if type(value) is list else [value] * len(layer["inputs"])


_EARLY = {"groups": 1, "randSparse": False}  # defaults of keys that early versions lack


def _filters(layer: OldLayer, _: Any) -> list[int]:
    total = per_input(layer, "filters")
    return [t // g for t, g in zip(total, per_input(layer, "groups"), strict=True)]


def _padding(layer: OldLayer, _: Any) -> list[int]:
    return [abs(p) for p in per_input(layer, "padding")]


def _scale(window: int) -> Callable[[OldLayer, Any], float]:
    """Return the function for a scale that is stored divided by size**window.

    The result is rounded to ten digits, so that it is the number in the original file.
    """
    return lambda layer, value: float(f"{float(value) * float(layer['size']) ** window:.10g}")


def _filter_channels(layer: OldLayer, value: Any) -> Any:
    return value if any(per_input(layer, "randSparse")) else None


def _modules(layer: OldLayer, value: Any) -> Any:
    """Return the side of the output only if it differs from the computed one."""
    geometry = [per_input(layer, key) for key in ("imgSize", "filterSize", "padding", "stride")]
    for side, size, padding, stride in zip(*geometry, strict=True):
        if value != 1 - (size - side - 2 * abs(padding)) // stride:
            return value
    return None


_UNDO: dict[str | tuple[str, str], Callable[[OldLayer, Any], Any]] = {
    ("conv", "filters"): _filters,
    ("local", "filters"): _filters,
    ("conv", "padding"): _padding,
    ("local", "padding"): _padding,
    ("cmrnorm", "scale"): _scale(1),
    ("rnorm", "scale"): _scale(2),
    ("cnorm", "scale"): _scale(2),
    ("conv", "modulesX"): _modules,
    ("local", "modulesX"): _modules,
    ("sfc", "outputs"): lambda layer, value: value // layer["parts"],
    ("cmpool", "outputs"): lambda layer, value: value // layer["imgPixels"],
    "filterChannels": _filter_channels,
}


def _is_default(field: Field, value: Any) -> bool:
    if field.required or field.key == "gpu":
        return False
    values = value if field.per_input and type(value) is list else [value]
    return all(type(v) in (int, float, bool) and v == field.default for v in values)


def _joined(value: Any, show: Callable[[Any], str]) -> str:
    items = value if type(value) in (list, tuple) else [value]
    return ",".join(show(item) for item in items)


def _plain(value: object, error: CheckpointError) -> str:
    """Return a number, boolean or word as a spec file has it."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int and abs(value) < 10**15:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return repr(value)
    text = as_text(value)
    if text is None or not _WORD.match(text):
        raise error
    return text


def _rate(value: object, error: CheckpointError) -> str:
    if type(value) is not dict:
        return _plain(value, error)
    kind, parameters = _call(value, error)
    if kind == "const":
        return _plain(parameters.get("base"), error)
    return f"{kind}[{';'.join(f'{k}={_plain(v, error)}' for k, v in parameters.items())}]"


def _schedule(value: object, error: CheckpointError) -> str | None:
    if type(value) is not dict:
        return None
    kind, parameters = _call(value, error)
    if kind in ("default", "const"):
        return None
    return f"{kind}[{','.join(f'{k}={_plain(v, error)}' for k, v in parameters.items())}]"


def _call(value: dict[str, Any], error: CheckpointError) -> tuple[str, dict[str, Any]]:
    """Return a schedule's kind and its parameters, without a noise of 0."""
    kind, parameters = as_text(value.get("type")), value.get("params")
    if kind is None or not _WORD.match(kind) or type(parameters) is not dict:
        raise error
    known = ("base", "tgtFactor", "numSteps", "noiseStdev")
    given = {k: parameters[k] for k in known if parameters.get(k) is not None}
    if given.get("noiseStdev") == 0:
        del given["noiseStdev"]
    return kind, given
