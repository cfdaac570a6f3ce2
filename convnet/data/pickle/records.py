"""Objects in pickles, as inert records: the class's name and what the file says of the object.

For checkpoints of the original systems, which hold an object of their option parser.  Nothing is
looked up, imported, called or made by its name: a record is the same Python class whatever the file
names, and only stores.
"""

from convnet.data.pickle.arrays import Array as _Array
from convnet.data.pickle.arrays import Dtype, Global, Unreadable, reduce
from convnet.data.pickle.arrays import build as _build_array
from convnet.data.pickle.text import text

_RECONSTRUCTORS = ("copy_reg._reconstructor", "copyreg._reconstructor")


class Record:
    """An object of a class that is not known here.  arguments: those it was to be made with."""

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple):
        self.name, self.arguments, self.state = name, arguments, None

    def get(self, key: str, default=None):
        """An attribute of the object, as the file states it."""
        return self.state.get(key, default) if type(self.state) is dict else default


def _named(value) -> str:
    if type(value) is not Global:
        raise Unreadable("an object whose class is no name")
    return value.name


def _instance(machine):
    """INST: the class's two lines, the arguments since the mark."""
    module, name = text(machine.line()), text(machine.line())
    machine.push(Record(f"{module}.{name}", tuple(machine.since_mark())))


def _object(machine):
    """OBJ: the class and the arguments since the mark."""
    name, *arguments = machine.since_mark() or [None]
    machine.push(Record(_named(name), tuple(arguments)))


def _new_object(machine):
    """NEWOBJ: the class and a tuple of arguments."""
    arguments, name = machine.pop(), machine.pop()
    machine.push(Record(_named(name), _arguments(arguments)))


def _reduce(machine):
    """REDUCE: arrays are made as ever; any other call becomes a record of what was to be called."""
    arguments, function = machine.pop(), machine.pop()
    name = _named(function)
    if name in _RECONSTRUCTORS and arguments and type(arguments) is tuple:
        machine.push(Record(_named(arguments[0]), arguments[1:]))
    elif name.startswith(("numpy.", "_codecs.", "__builtin__.bytes", "builtins.bytes")):
        machine.push(reduce(function, arguments))
    else:
        machine.push(Record(name, _arguments(arguments)))


def _build(machine):
    """BUILD: the state is stored in a record; of arrays it is checked as ever."""
    state = machine.pop()
    target = machine.top()
    if type(target) is Record:
        target.state = state.finished() if type(state) is _Array else state
    elif type(target) in (_Array, Dtype):
        _build_array(target, state)
    else:
        raise Unreadable("it sets the inner state of an object")


def _arguments(value) -> tuple:
    if type(value) is not tuple:
        raise Unreadable("an object made with no list of arguments")
    return value


RECORDS = {b"i": _instance, b"o": _object, b"\x81": _new_object, b"R": _reduce, b"b": _build}
