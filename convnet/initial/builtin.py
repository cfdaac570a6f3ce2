"""The functions of the originals' module `initw`, reading checkpoints of ours.

2012 source: the parameter is a layer's name, and the checkpoint is the user's to name.
cuda-convnet2: the first parameter is the checkpoint's path (dialect, 5.1).
"""

from pathlib import Path

import numpy as np

from convnet import checkpoint
from convnet.errors import ConvnetError
from convnet.initial.orientation import to_matrix
from convnet.language import did_you_mean, quoted

MODULE = "initw"


class CannotInitialize(Exception):
    """Why a function gives no values; `hint`: what to do about it."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.hint = hint


class Checkpoints:
    """Checkpoints by path, each read once.  default: the one that the user names, or None."""

    def __init__(self, default: Path | None = None):
        self.default, self._loaded = default, {}

    def open(self, path: str | Path) -> dict[str, np.ndarray]:
        """The arrays of a checkpoint, or of the newest one of a folder."""
        if path not in self._loaded:
            try:
                self._loaded[path] = checkpoint.load(checkpoint.newest(path)).arrays
            except ConvnetError as error:
                raise CannotInitialize(
                    str(error), "`convnet import` makes a checkpoint of one of the original systems"
                ) from None
        return self._loaded[path]


def _array(arrays, layer, kind):
    name = f"{layer}.{kind}"
    if name not in arrays:
        suffix = f".{kind}"
        layers = [other.removesuffix(suffix) for other in arrays if other.endswith(suffix)]
        raise CannotInitialize(
            f"the checkpoint holds no {kind} of a layer {quoted(layer)}",
            did_you_mean(layer, layers),
        )
    return arrays[name]


def _weights(arrays, layer, index):
    return to_matrix(_array(arrays, layer, f"weights.{index}"))


def _biases(arrays, layer, _index):
    return _array(arrays, layer, "biases").reshape(-1, 1)


def _connections(arrays, layer, index):
    return _array(arrays, layer, f"connections.{index}")


def _source(request):
    """(arrays, further parameters) of a call whose first parameter may be a path."""
    _need(request, 1 if request.path_first else 0)
    if request.path_first:
        return request.checkpoints.open(request.parameters[0]), request.parameters[1:]
    return request.checkpoints.open(request.checkpoints.default), request.parameters


def _need(request, count):
    if len(request.parameters) < count:
        raise CannotInitialize(f"the function needs {count} parameters or more")


def _copied(read):
    """A function that copies what `read` finds for a layer: the one named, or the own name."""

    def copy(request):
        arrays, names = _source(request)
        return read(arrays, names[0] if names else request.layer, request.index)

    return copy


def _concatenated(read, axis):
    """A function that joins the columns of several layers; the first parameter is a path."""

    def join(request):
        _need(request, 2)
        path, *names = request.parameters
        arrays = request.checkpoints.open(path)
        parts = [read(arrays, name, request.index) for name in names]
        if len({part.shape[1 - axis] for part in parts}) > 1:
            raise CannotInitialize(f"{', '.join(names)} have matrices of different heights")
        return np.concatenate(parts, axis)

    return join


def _literal(request):
    try:
        return np.array([float(text) for text in request.parameters], np.float32)
    except ValueError:
        raise CannotInitialize("the parameters must be numbers") from None


BY_LAYER = ("makew", "makeb", "makec")  # whose parameter is a layer's name in the 2012 source
FUNCTIONS = {
    "makew": _copied(_weights),
    "makeb": _copied(_biases),
    "makec": _copied(_connections),
    "makewcat": _concatenated(_weights, 1),
    "makebcat": _concatenated(_biases, 0),
    "makeb_vec": _literal,
}
