"""Reads a table (an array of structures) from a MATLAB file of version 5.

It supports as much of the format as ImageNet's development kits use: texts and numbers in the
fields, compressed or not.  (MathWorks: MAT-File Format, level 5.)  Sizes in a file are checked
against the bytes it has before they are used; nothing in it is executed.
"""

import struct
import zlib

_LARGEST = 64 << 20  # bytes, unpacked; the development kit of 2012 has 2 MB
_MAX_VALUES = 5_000_000
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_COUNTS = {5: "i", 6: "I"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_STRUCTURES, _CHARACTERS, _NUMERIC = 2, 4, range(6, 16)
_HEADER = 128


class Unreadable(Exception):
    """The bytes are not a supported MATLAB file; the message says what was found."""


def read_table(data: bytes, name: str) -> list[dict[str, str | tuple]]:
    """Return the structures in the variable `name`, each as field -> text or tuple of numbers.

    data: the bytes of the file.  Unreadable if it is damaged or has no such variable.
    """
    if len(data) < _HEADER or data[126:128] not in (b"IM", b"MI"):
        raise Unreadable("not a MATLAB file of version 5")
    order = "<" if data[126:128] == b"IM" else ">"
    if struct.unpack(order + "H", data[124:126]) != (0x0100,):
        raise Unreadable("not a MATLAB file of version 5")
    file = _Elements(data[_HEADER:], order)
    while file.more():
        kind, content = file.take(padded=False)  # compressed elements have no padding
        if kind == _COMPRESSED:
            kind, content = _Elements(_unpacked(content), order).take()
        if kind == _MATRIX:
            matrix = _Matrix(content, order)
            if matrix.name == name:
                return matrix.table()
    raise Unreadable(f"no table {name!r}")


def _unpacked(content):
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(content, _LARGEST)
    except zlib.error:
        raise Unreadable("damaged compressed data") from None
    if unpacker.unconsumed_tail:
        raise Unreadable(f"more than {_LARGEST >> 20} MiB of data")
    return data


class _Elements:
    """A run of data elements: a tag (type and number of bytes), the bytes, padding to 8."""

    def __init__(self, data, order):
        self.data, self.order, self.position = memoryview(data), order, 0

    def more(self):
        return self.position + 8 <= len(self.data)

    def take(self, padded=True):
        """Return type and bytes of the next element."""
        if not self.more():
            raise Unreadable("the file is truncated")
        kind, size = struct.unpack_from(self.order + "II", self.data, self.position)
        start, most = self.position + 8, len(self.data) - self.position - 8
        end = start + size + (-size % 8 if padded else 0)
        if kind >> 16:  # up to four bytes are in the tag itself
            kind, size, most = kind & 0xFFFF, kind >> 16, 4
            start, end = start - 4, start
        if size > most:
            raise Unreadable("the file is truncated")
        self.position = end
        return kind, self.data[start : start + size]

    def numbers(self, kinds=_NUMBERS):
        kind, content = self.take()
        code = kinds.get(kind)
        if code is None or len(content) % struct.calcsize(code):
            raise Unreadable("numbers of an unknown kind")
        return struct.unpack(f"{self.order}{len(content) // struct.calcsize(code)}{code}", content)

    def text(self):
        kind, content = self.take()
        if kind not in _TEXTS:
            raise Unreadable("a text of an unknown kind")
        encoding = _TEXTS[kind]
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self.order == "<" else "-be"
        return bytes(content).decode(encoding, "replace")


class _Matrix:
    """An array: class, sizes and name are read at once, the contents on demand."""

    def __init__(self, content, order):
        self._parts = _Elements(content, order)
        flags = self._parts.numbers(_COUNTS)
        self.kind = flags[0] & 0xFF if flags else 0
        self.size = 1
        for size in self._parts.numbers(_COUNTS):
            self.size *= max(size, 0)
        self.name = self._parts.text()

    def table(self):
        if self.kind != _STRUCTURES:
            raise Unreadable(f"{self.name!r} is not an array of structures")
        fields = self._field_names()
        if self.size * len(fields) > _MAX_VALUES:
            raise Unreadable(f"more than {_MAX_VALUES:,} values")
        return [{field: self._value() for field in fields} for _ in range(self.size)]

    def _field_names(self):
        (length,) = self._parts.numbers(_COUNTS)[:1] or (0,)
        names = self._parts.text()
        if not 0 < length <= 64 or len(names) % length:
            raise Unreadable("names of fields of an unknown form")
        starts = range(0, len(names), length)
        return [names[start : start + length].partition("\0")[0] for start in starts]

    def _value(self):
        kind, content = self._parts.take()
        if kind != _MATRIX:
            raise Unreadable("a field that holds no array")
        return _Matrix(content, self._parts.order)._content() if len(content) else ()

    def _content(self):
        if self.kind == _CHARACTERS:
            return self._parts.text() if self._parts.more() else ""
        if self.kind in _NUMERIC:
            return self._parts.numbers() if self._parts.more() else ()
        raise Unreadable("a field that holds neither text nor numbers")
