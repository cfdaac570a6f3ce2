"""The layer file and the params file that an old model was made from, from the keys it stores."""

import math
import re

from convnet.language import harmless
from convnet.language.fields import Field, NamesField
from convnet.layers import LAYER_TYPES
from convnet.layers.nonlinearity import NEURONS
from convnet.originals.model import OldModel, as_text

# Made when a net is built, and no longer needed where its weights are given.
_LEFT_OUT = {"type", "inputs", "neuron", "initWFunc", "initBFunc", "initCFunc", "weightSource"}
_WORD = re.compile(r"[\w.+-]+\Z", re.ASCII)


def spec_texts(model: OldModel) -> tuple[str, str]:
    """The texts of the layer file and of the params file.  CheckpointError."""
    neurons = _detached(model)
    sections = [_Section(model, layer, neurons) for layer in model.layers.values()
                if layer["name"] not in neurons]  # fmt: skip
    title = f"# Written by convnet import from {harmless(model.path.name)}\n"
    layers = "\n".join(section.layers_text() for section in sections)
    params = "\n".join(filter(None, (section.params_text() for section in sections)))
    return f"{title}\n{layers}", f"{title}\n{params}"


def _detached(model) -> dict[str, str]:
    """neuron layer -> the layer whose `neuron=` it was, where it can be written so again.

    The systems detach every neuron into a layer of its own, <name>_neuron (dialect, 2).
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

    def __init__(self, model, layer, neurons):
        self.model, self.layer, self.neurons = model, layer, neurons
        self.name, self.type = layer["name"], layer["type"]
        if self.type not in LAYER_TYPES:
            raise model.wrong(f"{self.name} is of the type {self.type!r:.60}, which is not known")
        self.fields = LAYER_TYPES[self.type].fields.values()
        self.keys = {"layers": {}, "params": {}}
        self._read()

    def wrong(self, key):
        return self.model.wrong(f"is damaged: {key} of {self.name} is not of the expected form")

    def layers_text(self) -> str:
        inputs = [self.neurons.get(name, name) for name in self.layer["inputs"]]
        lines = [f"[{self.name}]", f"type={self.type}"]
        lines += [f"inputs={','.join(inputs)}"] if inputs else []
        return "\n".join([*lines, *self._lines("layers")]) + "\n"

    def params_text(self) -> str:
        needed = LAYER_TYPES[self.type].needs_params or self.keys["params"]
        return "\n".join([f"[{self.name}]", *self._lines("params")]) + "\n" if needed else ""

    def _lines(self, file):
        return [f"{key}={text}" for key, text in self.keys[file].items() if text is not None]

    def _read(self):
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

    def _read_key(self, field: Field):
        value = stored(self.layer, field.key, self.wrong)
        if value is None or _is_default(field, value):
            return
        file = field.file
        if file == "either":
            file = "params" if self.model.system == "cc2" else "layers"
        if field.key in ("schedW", "schedB"):
            text = _course(value, self.wrong(field.key))
        elif field.key in ("epsW", "epsB"):
            text = _joined(value, lambda rate: _rate(rate, self.wrong(field.key)))
        else:
            text = _joined(value, lambda item: _plain(item, self.wrong(field.key)))
        if isinstance(field, NamesField):
            text = text or None
        self.keys[file][field.key] = text

    def _neuron(self) -> str | None:
        """Of a neuron layer its own; else the one that was detached from the layer."""
        detached = [name for name, source in self.neurons.items() if source == self.name]
        if self.type != "neuron" and not detached:
            return None
        layer = self.model.layers[detached[0]] if detached else self.layer
        neuron = layer.get("neuron")
        if type(neuron) is not dict:
            return as_text(neuron) if neuron in map(str.encode, NEURONS) else None
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

    def _image(self) -> dict:
        """Our `channels` and `imgSize`, told by the layers that read the data as images."""
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


def stored(layer: dict, key: str, wrong):
    """A key's value as the layer file had it; None if it is not stored (dialect, 3.3 and 3.6)."""
    value, kind = layer.get(key), layer["type"]
    undo = _UNDO.get((kind, key)) or _UNDO.get(key)
    if value is None or undo is None:
        return value
    try:
        return undo(layer, value)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        raise wrong(key) from None


def per_input(layer, key):
    """A stored list, or what early versions stored once for a layer of one input."""
    value = layer.get(key, _EARLY.get(key))
    return value if type(value) is list else [value] * len(layer["inputs"])


_EARLY = {"groups": 1, "randSparse": False}  # keys that came later


def _filters(layer, _):
    total = per_input(layer, "filters")
    return [t // g for t, g in zip(total, per_input(layer, "groups"), strict=True)]


def _padding(layer, _):
    return [abs(p) for p in per_input(layer, "padding")]


def _scale(window):
    """The scale of the file, which is stored divided by the window; rounded to what was written."""
    return lambda layer, value: float(f"{float(value) * float(layer['size']) ** window:.10g}")


def _filter_channels(layer, value):
    return value if any(per_input(layer, "randSparse")) else None


def _modules(layer, value):
    """Only where it is not the side that is computed."""
    geometry = [per_input(layer, key) for key in ("imgSize", "filterSize", "padding", "stride")]
    for side, size, padding, stride in zip(*geometry, strict=True):
        if value != 1 - (size - side - 2 * abs(padding)) // stride:
            return value
    return None


_UNDO = {
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


def _is_default(field, value) -> bool:
    if field.required or field.key == "gpu":
        return False
    values = value if field.per_input and type(value) is list else [value]
    return all(type(v) in (int, float, bool) and v == field.default for v in values)


def _joined(value, show) -> str:
    items = value if type(value) in (list, tuple) else [value]
    return ",".join(show(item) for item in items)


def _plain(value, error) -> str:
    """A number, truth value or word as a spec file has it."""
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


def _rate(value, error) -> str:
    if type(value) is not dict:
        return _plain(value, error)
    kind, parameters = _call(value, error)
    if kind == "const":
        return _plain(parameters.get("base"), error)
    return f"{kind}[{';'.join(f'{k}={_plain(v, error)}' for k, v in parameters.items())}]"


def _course(value, error) -> str | None:
    if type(value) is not dict:
        return None
    kind, parameters = _call(value, error)
    if kind in ("default", "const"):
        return None
    return f"{kind}[{','.join(f'{k}={_plain(v, error)}' for k, v in parameters.items())}]"


def _call(value, error):
    """A schedule's kind and its parameters, without a noise of 0."""
    kind, parameters = as_text(value.get("type")), value.get("params")
    if kind is None or not _WORD.match(kind) or type(parameters) is not dict:
        raise error
    known = ("base", "tgtFactor", "numSteps", "noiseStdev")
    return kind, {k: parameters[k] for k in known if parameters.get(k) is not None
                  and (k != "noiseStdev" or parameters[k] != 0)}  # fmt: skip
