"""A stack machine for the part of the pickle language that builds plain data.

The opcodes are those of CPython's `pickletools`.  Every action pushes or pops a few values, none
larger than the bytes of the action in the file.  The one call that copies what the file has only
once, `_codecs.encode`, may copy as many bytes as the file has.  So memory stays within a multiple
of the file's size.
"""

import struct
from collections.abc import Callable, Mapping

from convnet.data.pickle.arrays import Array, Dtype, Global, Unreadable, build, reduce
from convnet.data.pickle.text import integer, integer_or_truth, number, quoted, text

_MAX_INSTRUCTIONS = 10_000_000  # a batch of 10,000 labeled images takes 40,000
_HIGHEST_PROTOCOL = 5

Action = Callable[["_Machine"], object]


def loads(data: bytes, more: Mapping[bytes, Action] | None = None) -> object:
    """Return the value pickled in `data`; Unreadable if it is anything but plain data.

    more: actions for further opcodes, or in place of those here.
    """
    return loads_at(data, 0, more)[0]


def loads_at(
    data: bytes, position: int, more: Mapping[bytes, Action] | None = None
) -> tuple[object, int]:
    """Return the value of the pickle that begins at `position`, and where it ends.

    Arguments and errors as for `loads`.
    """
    machine = _Machine(data, {**_ACTIONS, **(more or {})}, position)
    try:
        return machine.run(), machine.position
    except Unreadable as problem:
        raise Unreadable(f"{problem} (byte {machine.start:,} of {len(data):,})") from None


class _Machine:
    """The state of pickle's instructions: a `stack` of values, `marks` into it, a `memo`."""

    def __init__(self, data, actions, position=0):
        self.data, self.actions = data, actions
        self.position = self.start = position
        self.copies_left = len(data)
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        for _ in range(_MAX_INSTRUCTIONS):
            self.start = self.position
            opcode = self.take(1)
            if opcode == b".":
                return self.result()
            action = self.actions.get(opcode)
            if action is None:
                raise Unreadable(_REFUSED.get(opcode, f"{opcode!r} is not a pickle instruction"))
            action(self)
        raise Unreadable(f"more than {_MAX_INSTRUCTIONS:,} instructions")

    def result(self):
        value = _plain(self.pop())
        if isinstance(value, (Global, Dtype)):
            raise Unreadable("it holds a name instead of data")
        return value

    def take(self, size):
        end = self.position + size
        if end > len(self.data):
            raise Unreadable("the file is truncated")
        found = self.data[self.position : end]
        self.position = end
        return found

    def line(self):
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise Unreadable("the file is truncated")
        found = self.data[self.position : end]
        self.position = end + 1
        return found

    def number(self, code):
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def sized(self, code):
        size = self.number(code)
        if size < 0:
            raise Unreadable("a string has a negative length")
        return self.take(size)

    def push(self, value):
        self.stack.append(value)

    def call(self, function, arguments):
        """Push the result of one of the known calls."""
        found = reduce(function, arguments)
        self.copies_left -= len(found) if type(found) is bytes else 0
        if self.copies_left < 0:
            raise Unreadable("its texts are copied to more bytes than the file has")
        self.push(found)

    def pop(self):
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Unreadable("an instruction finds no value to work on")
        return self.stack.pop()

    def top(self, kind=None):
        value = self.pop()
        if kind is not None and type(value) is not kind:
            raise Unreadable(f"it adds to a value that is not a {kind.__name__}")
        self.push(value)
        return value

    def since_mark(self):
        if not self.marks:
            raise Unreadable("an instruction finds no mark")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def recall(self, key):
        if key not in self.memo:
            raise Unreadable("it uses a value before it is defined")
        self.push(self.memo[key])


def _plain(value):
    return value.finished() if type(value) is Array else value


def _long(machine, code):
    digits = machine.sized(code)
    if len(digits) > 16:
        raise Unreadable(f"an integer of {len(digits):,} bytes")
    machine.push(int.from_bytes(digits, "little", signed=True))


def _tuple(machine, size):
    machine.push(tuple([_plain(machine.pop()) for _ in range(size)][::-1]))


def _pop(machine):
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _append(machine):
    value = _plain(machine.pop())
    machine.top(list).append(value)


def _appends(machine):
    values = [_plain(value) for value in machine.since_mark()]
    machine.top(list).extend(values)


def _set_item(machine):
    value, key = machine.pop(), machine.pop()
    _fill(machine.top(dict), [key, value])


def _set_items(machine):
    values = machine.since_mark()
    _fill(machine.top(dict), values)


def _new_dict(machine):
    target = {}
    _fill(target, machine.since_mark())
    machine.push(target)


def _fill(target, values):
    if len(values) % 2:
        raise Unreadable("a dictionary has a key without a value")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if type(key) is bytes:
            key = key.decode("latin-1")
        if type(key) not in (str, int):
            raise Unreadable("a key of a dictionary is neither text nor an integer")
        target[key] = _plain(value)


def _global(machine):
    module, name = text(machine.line()), text(machine.line())
    machine.push(Global(f"{module}.{name}"))


def _stack_global(machine):
    name, module = machine.pop(), machine.pop()
    if type(name) is not str or type(module) is not str:
        raise Unreadable("a name that is not text")
    machine.push(Global(f"{module}.{name}"))


def _reduce(machine):
    arguments, function = machine.pop(), machine.pop()
    machine.call(function, arguments)


def _build(machine):
    state = machine.pop()
    build(machine.top(), state)


def _protocol(machine):
    protocol = machine.number("<B")
    if protocol > _HIGHEST_PROTOCOL:
        raise Unreadable(f"pickle protocol {protocol} is not supported")


def _put(machine, key):
    machine.memo[key] = machine.top()


_ACTIONS = {
    b"(": lambda m: m.marks.append(len(m.stack)),
    b"0": _pop,
    b"1": lambda m: m.since_mark(),
    b"2": lambda m: m.push(m.top()),
    # numbers and None
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"I": lambda m: m.push(integer_or_truth(m.line())),
    b"L": lambda m: m.push(integer(m.line().removesuffix(b"L"))),
    b"F": lambda m: m.push(number(m.line())),
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"G": lambda m: m.push(m.number(">d")),
    b"\x8a": lambda m: _long(m, "<B"),
    b"\x8b": lambda m: _long(m, "<i"),
    # bytes (the strings of Python 2 among them) and texts
    b"S": lambda m: m.push(quoted(m.line())),
    b"T": lambda m: m.push(m.sized("<i")),
    b"U": lambda m: m.push(m.sized("<B")),
    b"B": lambda m: m.push(m.sized("<I")),
    b"C": lambda m: m.push(m.sized("<B")),
    b"\x8e": lambda m: m.push(m.sized("<Q")),
    b"\x96": lambda m: m.push(m.sized("<Q")),
    b"V": lambda m: m.push(text(m.line(), "raw-unicode-escape")),
    b"X": lambda m: m.push(text(m.sized("<I"))),
    b"\x8c": lambda m: m.push(text(m.sized("<B"))),
    b"\x8d": lambda m: m.push(text(m.sized("<Q"))),
    # containers
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple([_plain(value) for value in m.since_mark()])),
    b"\x85": lambda m: _tuple(m, 1),
    b"\x86": lambda m: _tuple(m, 2),
    b"\x87": lambda m: _tuple(m, 3),
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push([_plain(value) for value in m.since_mark()]),
    b"a": _append,
    b"e": _appends,
    b"}": lambda m: m.push({}),
    b"d": _new_dict,
    b"s": _set_item,
    b"u": _set_items,
    # the memo
    b"p": lambda m: _put(m, integer(m.line())),
    b"q": lambda m: _put(m, m.number("<B")),
    b"r": lambda m: _put(m, m.number("<I")),
    b"\x94": lambda m: _put(m, len(m.memo)),
    b"g": lambda m: m.recall(integer(m.line())),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    # arrays
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _reduce,
    b"b": _build,
    # framing
    b"\x80": _protocol,
    b"\x95": lambda m: m.number("<Q"),
}
_OBJECT = "it creates an object of a class that it names"
_REFUSED = {
    b"i": _OBJECT,
    b"o": _OBJECT,
    b"\x81": _OBJECT,
    b"\x92": _OBJECT,
    b"P": "it refers to an object outside the file",
    b"Q": "it refers to an object outside the file",
    b"\x82": "it refers to an object by a registered number",
    b"\x83": "it refers to an object by a registered number",
    b"\x84": "it refers to an object by a registered number",
    b"\x8f": "it holds a set",
    b"\x90": "it holds a set",
    b"\x91": "it holds a set",
    b"\x97": "its contents lie outside the file",
    b"\x98": "its contents lie outside the file",
}
