"""The functions of the originals' module `initw`, which read checkpoints.

2012 source: the parameter is a layer's name; the user names the checkpoint.
cuda-convnet2: the first parameter is the checkpoint's path (docs/dialect.md, 5.1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet import checkpoint
from convnet.errors import ConvnetError
from convnet.initial.orientation import to_matrix
from convnet.language import did_you_mean, quoted

MODULE = "initw"

Arrays = dict[str, np.ndarray]


class CannotInitialize(Exception):
    """A function returns no usable values; `hint`: what to do about it."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.hint = hint


class Checkpoints:
    """Checkpoints by path, each read once.  default: the one that the user names, or None."""

    def __init__(self, default: Path | None = None):
        self.default = default
        self._loaded: dict[str | Path, Arrays] = {}

    def open(self, path: str | Path) -> Arrays:
        """Return the arrays of a checkpoint, or of the newest one of a folder."""
        if path not in self._loaded:
            try:
                self._loaded[path] = checkpoint.load_newest(path).checkpoint.arrays
            except ConvnetError as error:
                raise CannotInitialize(
                    str(error), "`convnet import` converts checkpoints of the original systems"
                ) from None
        return self._loaded[path]


@dataclass(frozen=True)
class Request:
    """One array to be made for one layer.

    index: the input, None for biases.  shape: of the result: (rows, columns) of the original's
    matrix; (groups, channels, filterChannels) of connections.  path_first: the files follow
    cuda-convnet2, whose functions take a checkpoint's path.
    """

    layer: str
    index: int | None
    shape: tuple[int, ...]
    parameters: tuple[str, ...]
    checkpoints: Checkpoints
    path_first: bool


def _array(arrays: Arrays, layer: str, kind: str) -> np.ndarray:
    name = f"{layer}.{kind}"
    if name not in arrays:
        suffix = f".{kind}"
        layers = [other.removesuffix(suffix) for other in arrays if other.endswith(suffix)]
        raise CannotInitialize(
            f"the checkpoint contains no {kind} of a layer {quoted(layer)}",
            did_you_mean(layer, layers),
        )
    return arrays[name]


def _weights(arrays: Arrays, layer: str, index: int | None) -> np.ndarray:
    return to_matrix(_array(arrays, layer, f"weights.{index}"))


def _biases(arrays: Arrays, layer: str, _index: int | None) -> np.ndarray:
    return _array(arrays, layer, "biases").reshape(-1, 1)


def _connections(arrays: Arrays, layer: str, index: int | None) -> np.ndarray:
    return _array(arrays, layer, f"connections.{index}")


Read = Callable[[Arrays, str, int | None], np.ndarray]
Function = Callable[[Request], np.ndarray]


def _source(request: Request) -> tuple[Arrays, tuple[str, ...]]:
    """Return (arrays, further parameters) of a call whose first parameter may be a path."""
    if request.path_first:
        _need(request, 1)
        return request.checkpoints.open(request.parameters[0]), request.parameters[1:]
    default = request.checkpoints.default
    if default is None:
        raise CannotInitialize("reads a checkpoint, and none is named")
    return request.checkpoints.open(default), request.parameters


def _need(request: Request, count: int) -> None:
    if len(request.parameters) < count:
        raise CannotInitialize(f"the function needs {count} parameters or more")


def _copied(read: Read) -> Function:
    """Return a function that copies what `read` finds for the named layer, or the layer itself."""

    def copy(request: Request) -> np.ndarray:
        arrays, names = _source(request)
        return read(arrays, names[0] if names else request.layer, request.index)

    return copy


def _concatenated(read: Read, axis: int) -> Function:
    """Return a function that joins the columns of several layers; it takes a path first."""

    def join(request: Request) -> np.ndarray:
        _need(request, 2)
        path, *names = request.parameters
        arrays = request.checkpoints.open(path)
        parts = [read(arrays, name, request.index) for name in names]
        if len({part.shape[1 - axis] for part in parts}) > 1:
            raise CannotInitialize(f"{', '.join(names)} have matrices of different heights")
        return np.concatenate(parts, axis)

    return join


def _literal(request: Request) -> np.ndarray:
    try:
        return np.array([float(text) for text in request.parameters], np.float32)
    except ValueError:
        raise CannotInitialize("the parameters must be numbers") from None


BY_LAYER = ("makew", "makeb", "makec")  # whose parameter is a layer's name in the 2012 source
FUNCTIONS: dict[str, Function] = {
    "makew": _copied(_weights),
    "makeb": _copied(_biases),
    "makec": _copied(_connections),
    "makewcat": _concatenated(_weights, 1),
    "makebcat": _concatenated(_biases, 0),
    "makeb_vec": _literal,
}
