"""The objects that a pickled NumPy array consists of, built without looking up their names."""

import math
import re

import numpy as np

_NUMBERS = re.compile(r"[<>=|]?(b1|\?|[iu][1248]|f[248])")
_TEXTS = re.compile(r"[<>=|]?[SaU][1-9][0-9]{0,4}|[|]?O8?")  # of class names, such as S5
_OBJECTS = np.dtype(object)
_ORDERS = {"<": "<", ">": ">", "|": "=", "=": "="}


class Unreadable(Exception):
    """The bytes are not a pickle of plain data; the message says what was found."""


class Global:
    """A name of the form module.name in the file.  It is never looked up."""

    def __init__(self, name: str):
        self.name = name


class Dtype:
    """A NumPy type of numbers, texts or objects; its byte order follows in `set_state`."""

    def __init__(self, value: np.dtype):
        self.value = value

    def set_state(self, state: tuple) -> None:
        """Set the byte order; Unreadable for types of several fields."""
        order = _ascii(state[1]) if len(state) >= 8 else ""
        if order not in _ORDERS or any(part is not None for part in state[2:5]):
            raise Unreadable("an array of values other than numbers and texts")
        self.value = self.value.newbyteorder(_ORDERS[order])


class Array:
    """An array; its shape, type and contents follow in `set_state`."""

    def __init__(self):
        self.value = None

    def set_state(self, state: tuple) -> None:
        """Set shape, type and contents; Unreadable if they are damaged."""
        if len(state) != 5 or type(state[3]) not in (bool, int):
            raise Unreadable("an array with an unknown form of contents")
        _, shape, dtype, is_fortran, data = state
        if _is_object(dtype):
            self.value = _listed(data, shape)
        else:
            self.value = _array(data, dtype, shape, "F" if is_fortran else "C")

    def finished(self) -> np.ndarray | list:
        """Return the array, one of objects as a list; Unreadable if its contents never came."""
        if self.value is None:
            raise Unreadable("an array without contents")
        return self.value


def reduce(function: object, arguments: object) -> object:
    """Carry out pickle's REDUCE, the call `function(*arguments)`, for the few known names.

    Unreadable for all other names.
    """
    if type(function) is not Global:
        raise Unreadable("it calls a value that is not a name")
    maker = _MAKERS.get(function.name)
    if maker is None:
        raise Unreadable(f"it asks for {function.name!a:.100} to be called")
    if type(arguments) is not tuple:
        raise Unreadable(f"it calls {function.name} without a tuple of arguments")
    return maker(*_fitting(function.name, arguments))


def build(target: object, state: object) -> None:
    """Carry out pickle's BUILD: set the state of an array or a number type.

    Unreadable for all other objects.
    """
    if type(target) not in (Array, Dtype) or type(state) is not tuple:
        raise Unreadable("it sets the inner state of an object")
    target.set_state(state)


def _fitting(name, arguments):
    sizes = _ARGUMENTS[name.rpartition(".")[2]]
    if len(arguments) not in sizes:
        raise Unreadable(f"it calls {name} with {len(arguments)} arguments")
    return arguments


def _reconstruct(kind, shape, code):
    if type(kind) is not Global or kind.name != "numpy.ndarray":
        raise Unreadable("an array of a class of its own")
    return Array()


def _dtype(code, *_):
    code = _ascii(code)
    if not _NUMBERS.fullmatch(code) and not _TEXTS.fullmatch(code):
        raise Unreadable("an array of values other than numbers and texts")
    return Dtype(np.dtype(code))


def _scalar(dtype, data):
    return data if _is_object(dtype) else _array(data, dtype, (), "C")[()].item()


def _is_object(dtype):
    return type(dtype) is Dtype and dtype.value == _OBJECTS


def _frombuffer(data, dtype, shape, order):
    array = Array()
    array.value = _array(data, dtype, shape, order)
    return array


def _encoded(text, encoding):
    if type(text) is not str or _ascii(encoding) not in ("latin1", "latin-1"):
        raise Unreadable("bytes in an unknown encoding")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Unreadable("bytes in an unknown encoding") from None


def _array(data, dtype, shape, order):
    """Return an array over the bytes `data` themselves, so a large shape alone takes no memory."""
    if type(dtype) is not Dtype:
        raise Unreadable("an array of values other than numbers")
    if type(data) is not bytes:
        raise Unreadable("an array whose contents are not bytes")
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise Unreadable("an array whose shape is not a tuple of sizes")
    if len(shape) > 32 or math.prod(shape) * dtype.value.itemsize != len(data):
        sizes = "x".join(map(str, shape[:5])) or "1"
        raise Unreadable(f"an array of {sizes} {dtype.value} with {len(data):,} bytes of contents")
    if not data:
        raise Unreadable("an array without contents")
    order = "F" if _ascii(order) == "F" else "C"
    return np.frombuffer(data, dtype.value).reshape(shape, order=order)


def _listed(data, shape):
    """Return an array of objects, such as names, as a list; one of 0 dimensions has one item."""
    if type(data) is not list or type(shape) is not tuple or shape not in ((), (len(data),)):
        raise Unreadable("an array of objects that is no plain list of them")
    return data


def _ascii(value):
    """Return a text that Python 2 wrote as bytes and Python 3 as str; "" for any other value."""
    return value.decode("latin-1") if type(value) is bytes else value if type(value) is str else ""


_ARGUMENTS = {
    "_reconstruct": (3,),
    "scalar": (2,),
    "_frombuffer": (4,),
    "dtype": (1, 2, 3),
    "encode": (2,),
    "bytes": (0,),
}
_MAKERS = {
    "numpy.dtype": _dtype,
    "_codecs.encode": _encoded,
    "__builtin__.bytes": bytes,
    "builtins.bytes": bytes,
}
for _module in ("numpy.core", "numpy._core"):
    _MAKERS |= {
        f"{_module}.multiarray._reconstruct": _reconstruct,
        f"{_module}.multiarray.scalar": _scalar,
        f"{_module}.numeric._frombuffer": _frombuffer,
    }
