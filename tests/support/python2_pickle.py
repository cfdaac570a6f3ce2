"""Writes pickles as Python 2 did, of protocol 0 or 2: its strings are bytes, its names are old.

Python 3 can write neither: for it bytes are a call and arrays lie in other modules.
"""

import struct
from dataclasses import dataclass

import numpy as np


def python2_pickle(value, protocol: int) -> bytes:
    """Dictionaries, lists, tuples, bytes (as str), numbers, None, arrays, names and instances.

    A dictionary, list or array that occurs again is written as a reference to the first.
    """
    write = _Text() if protocol == 0 else _Binary()
    start = b"" if protocol == 0 else b"\x80\x02"
    return start + write.any(value) + b"."


@dataclass(eq=False)
class Name:
    """A class or function, as module and name."""

    module: str
    name: str


@dataclass(eq=False)
class Instance:
    """An object of an old-style class, with its attributes."""

    of: Name
    state: dict


class _Writer:
    def __init__(self):
        self.memo, self.places = 0, {}

    def any(self, value):
        if id(value) in self.places:
            return self.get(self.places[id(value)])
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, bool):
            return self.truth(value)
        if value is None:
            return b"N"
        kinds = {
            dict: self.dictionary, list: self.list, tuple: self.tuple,
            bytes: self.string, str: lambda text: self.string(text.encode()), int: self.integer,
            float: self.number, Name: self.named, Instance: self.instance,
        }  # fmt: skip
        return kinds[type(value)](value)

    def named(self, value):
        return f"c{value.module}\n{value.name}\n".encode()

    def first(self, value):
        """Remember the place of the value that was put last."""
        self.places[id(value)] = self.memo
        return b""

    def tuple(self, value):
        return b"(" + b"".join(self.any(part) for part in value) + b"t"

    def array(self, value):
        order = value.dtype.str[0].encode()
        dtype = b"cnumpy\ndtype\n" + self.tuple((value.dtype.str[1:], 0, 1)) + b"R" + self.put()
        dtype += self.tuple((3, order, None, None, None, -1, -1, 0)) + b"b"
        made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
        made += self.tuple((0,)) + self.string(b"b") + b"tR" + self.put() + self.first(value)
        is_fortran = value.ndim > 1 and value.flags.f_contiguous
        state = self.integer(1) + self.tuple(value.shape) + dtype + self.truth(is_fortran)
        return made + b"(" + state + self.string(value.tobytes("A")) + b"tb"


class _Text(_Writer):
    def dictionary(self, value):
        start = b"(d" + self.put() + self.first(value)
        parts = (self.any(key) + self.any(part) + b"s" for key, part in value.items())
        return start + b"".join(parts)

    def instance(self, value):
        start = f"(i{value.of.module}\n{value.of.name}\n".encode() + self.put()
        return start + self.any(value.state) + b"b"

    def get(self, place):
        return b"g%d\n" % place

    def number(self, value):
        return b"F%r\n" % value

    def list(self, value):
        start = b"(l" + self.put() + self.first(value)
        return start + b"".join(self.any(part) + b"a" for part in value)

    def put(self):
        self.memo += 1
        return b"p%d\n" % self.memo

    def string(self, value):
        return b"S" + repr(value)[1:].encode() + b"\n" + self.put()

    def integer(self, value):
        return b"I%d\n" % value

    def truth(self, value):
        return b"I01\n" if value else b"I00\n"


class _Binary(_Writer):
    def dictionary(self, value):
        start = b"}" + self.put() + self.first(value)
        items = b"".join(self.any(part) for item in value.items() for part in item)
        return start + b"(" + items + b"u"

    def instance(self, value):
        start = b"(" + self.named(value.of) + b"o" + self.put()
        return start + self.any(value.state) + b"b"

    def get(self, place):
        return b"h%c" % place if place < 256 else b"j" + struct.pack("<I", place)

    def number(self, value):
        return b"G" + struct.pack(">d", value)

    def list(self, value):
        start = b"]" + self.put() + self.first(value)
        return start + b"(" + b"".join(self.any(part) for part in value) + b"e"

    def put(self):
        self.memo += 1
        return b"q%c" % self.memo if self.memo < 256 else b"r" + struct.pack("<I", self.memo)

    def string(self, value):
        if len(value) < 256:
            return b"U%c" % len(value) + value + self.put()
        return b"T" + struct.pack("<i", len(value)) + value + self.put()

    def integer(self, value):
        return b"K%c" % value if 0 <= value < 256 else b"J" + struct.pack("<i", value)

    def truth(self, value):
        return b"\x88" if value else b"\x89"
