"""The pickle of a PyTorch file: tensors in ordered dictionaries, and plain data beside them.

Of the names in a file only those here have a meaning, which is built here; none is looked up.
"""

from typing import Any

from convnet.data.pickle.arrays import Global, Unreadable, build
from convnet.data.pickle.machine import Action, loads_at
from convnet.data.pickle.text import text
from convnet.foreign.torch_file.tensors import Tensor, storage, tensor

_KNOWN_TO_ARRAYS = ("numpy.", "_codecs.", "__builtin__.bytes", "builtins.bytes")
_PAIR = 8  # bytes that a pair of an ordered dictionary takes at least


def load(data: bytes, position: int = 0) -> tuple[object, int]:
    """Return the value of the pickle that begins at `position`, and where it ends.

    Ordered dictionaries come back as dictionaries, tensors as `Tensor`.  Unreadable for what is
    neither that nor plain data.
    """
    return loads_at(data, position, _ACTIONS)


def _reduce(machine: Any) -> None:
    arguments, function = machine.pop(), machine.pop()
    name = function.name if type(function) is Global else ""
    if name in _MAKERS and type(arguments) is tuple:
        machine.push(_MAKERS[name](machine, arguments))
    elif not name or name.startswith(_KNOWN_TO_ARRAYS):
        machine.call(function, arguments)
    else:
        raise _foreign_object(name)


def _ordered_dict(machine: Any, arguments: tuple[object, ...]) -> dict[object, object]:
    if not arguments:
        return {}
    pairs = arguments[0]
    if len(arguments) > 1 or type(pairs) is not list:
        raise Unreadable("an ordered dictionary of an unknown form")
    machine.copies_left -= _PAIR * len(pairs)
    if machine.copies_left < 0:
        raise Unreadable("its ordered dictionaries have more entries than the file has room for")
    found = {}
    for pair in pairs:
        if type(pair) not in (list, tuple) or len(pair) != 2 or type(pair[0]) not in (str, bytes):
            raise Unreadable("an ordered dictionary of an unknown form")
        key = pair[0].decode("latin-1") if type(pair[0]) is bytes else pair[0]
        found[key] = pair[1]
    return found


def _parameter(_: Any, arguments: tuple[object, ...]) -> Tensor:
    if len(arguments) not in (3, 4) or type(arguments[0]) is not Tensor:
        raise Unreadable("a parameter that is not made from a tensor")
    return arguments[0]


def _size(_: Any, arguments: tuple[object, ...]) -> tuple[object, ...]:
    if len(arguments) != 1 or type(arguments[0]) is not tuple:
        raise Unreadable("a torch.Size that is not made from a tuple")
    return arguments[0]


_MAKERS = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": lambda _, arguments: tensor(arguments),
    "torch._utils._rebuild_tensor_v2": lambda _, arguments: tensor(arguments),
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.Size": _size,
}


def _build(machine: Any) -> None:
    """BUILD: the attributes of a state_dict, `_metadata`, are left out."""
    state = machine.pop()
    if type(machine.top()) is dict and type(state) is dict:
        return
    build(machine.top(), state)


def _persistent(machine: Any) -> None:
    machine.push(storage(machine.pop()))


def _new_object(machine: Any) -> None:
    machine.pop()
    raise _foreign_object(_name(machine.pop()))


def _new_object_with_keywords(machine: Any) -> None:
    machine.pop()
    _new_object(machine)


def _instance(machine: Any) -> None:
    raise _foreign_object(f"{text(machine.line())}.{text(machine.line())}")


def _object(machine: Any) -> None:
    values = machine.since_mark()
    raise _foreign_object(_name(values[0] if values else None))


def _name(value: object) -> str:
    return value.name if type(value) is Global else "unknown"


def _foreign_object(name: str) -> Unreadable:
    return Unreadable(f"it holds an object that needs {name!a:.80}")


_ACTIONS: dict[bytes, Action] = {
    b"R": _reduce,
    b"b": _build,
    b"Q": _persistent,
    b"\x81": _new_object,
    b"\x92": _new_object_with_keywords,
    b"i": _instance,
    b"o": _object,
}
