"""Objects in pickles, read as inert records: the name of the class and the state of the object.

For checkpoints of the original systems, which hold an object of their option parser.  No name in a
file is looked up, imported, called or instantiated: every object becomes a `Record`, which only
stores values.
"""

from convnet.data.pickle.arrays import Array as _Array
from convnet.data.pickle.arrays import Dtype, Global, Unreadable
from convnet.data.pickle.arrays import build as _build_array
from convnet.data.pickle.text import text

_RECONSTRUCTORS = ("copy_reg._reconstructor", "copyreg._reconstructor")


class Record:
    """An object of an unknown class, as the file describes it.

    name       of the class, module.name
    arguments  those of the constructor
    state      what BUILD sets: usually a dictionary of attributes; None if it is not set
    """

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple):
        self.name, self.arguments, self.state = name, arguments, None

    def get(self, key: str, default: object = None) -> object:
        """Return an attribute of the object; `default` if the file does not set it."""
        return self.state.get(key, default) if type(self.state) is dict else default


def _named(value) -> str:
    if type(value) is not Global:
        raise Unreadable("an object whose class is not a name")
    return value.name


def _instance(machine):
    """INST: the class in two lines, the arguments since the mark."""
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
    """REDUCE: arrays are built as usual; any other call becomes a record of the call."""
    arguments, function = machine.pop(), machine.pop()
    name = _named(function)
    if name in _RECONSTRUCTORS and arguments and type(arguments) is tuple:
        machine.push(Record(_named(arguments[0]), arguments[1:]))
    elif name.startswith(("numpy.", "_codecs.", "__builtin__.bytes", "builtins.bytes")):
        machine.call(function, arguments)
    else:
        machine.push(Record(name, _arguments(arguments)))


def _build(machine):
    """BUILD: a record stores the state; that of arrays is checked as usual."""
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
        raise Unreadable("an object without a tuple of arguments")
    return value


RECORDS = {b"i": _instance, b"o": _object, b"\x81": _new_object, b"R": _reduce, b"b": _build}
