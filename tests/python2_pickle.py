"""Writes pickles as Python 2 did, of protocol 0 or 2: its strings are bytes, its names are old.

Python 3 can write neither: for it bytes are a call and arrays lie in other modules.
"""

import struct

import numpy as np


def python2_pickle(value, protocol: int) -> bytes:
    """Dictionaries, lists, tuples, bytes (as str), whole numbers, None and arrays."""
    write = _Text() if protocol == 0 else _Binary()
    start = b"" if protocol == 0 else b"\x80\x02"
    return start + write.any(value) + b"."


class _Writer:
    def __init__(self):
        self.memo = 0

    def any(self, value):
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, bool):
            return self.truth(value)
        if value is None:
            return b"N"
        kinds = {
            dict: self.dictionary, list: self.list, tuple: self.tuple,
            bytes: self.string, str: lambda text: self.string(text.encode()), int: self.integer,
        }  # fmt: skip
        return kinds[type(value)](value)

    def tuple(self, value):
        return b"(" + b"".join(self.any(part) for part in value) + b"t"

    def array(self, value):
        order = value.dtype.str[0].encode()
        dtype = b"cnumpy\ndtype\n" + self.tuple((value.dtype.str[1:], 0, 1)) + b"R" + self.put()
        dtype += self.tuple((3, order, None, None, None, -1, -1, 0)) + b"b"
        made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
        made += self.tuple((0,)) + self.string(b"b") + b"tR" + self.put()
        is_fortran = value.ndim > 1 and value.flags.f_contiguous
        state = self.integer(1) + self.tuple(value.shape) + dtype + self.truth(is_fortran)
        return made + b"(" + state + self.string(value.tobytes("A")) + b"tb"


class _Text(_Writer):
    def dictionary(self, value):
        items = b"".join(self.any(key) + self.any(part) + b"s" for key, part in value.items())
        return b"(d" + self.put() + items

    def list(self, value):
        return b"(l" + self.put() + b"".join(self.any(part) + b"a" for part in value)

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
        items = b"".join(self.any(part) for item in value.items() for part in item)
        return b"}" + self.put() + b"(" + items + b"u"

    def list(self, value):
        return b"]" + self.put() + b"(" + b"".join(self.any(part) for part in value) + b"e"

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
