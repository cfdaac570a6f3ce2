"""How much of an ONNX file are no plain values, counted before anything of it is parsed.

A parsed message takes up to a hundred times its bytes: two bytes of a file are an empty operator of
160 in memory.  Only the arrays of plain values take what they have in the file.

Source of the encoding: "Encoding" in the documentation of Protocol Buffers; of the numbers of
fields: onnx.proto.
"""

from __future__ import annotations

from typing import TypeAlias

MOST = 4 << 20  # bytes; a network of a thousand layers has less than one million
DEEPEST = 100  # messages within each other, as in Protocol Buffers' own parsers

# Messages by the numbers of their fields; an empty one stands for plain values.
Form: TypeAlias = "dict[int, Form]"
_VALUES: Form = {}
_TENSOR: Form = {4: _VALUES, 9: _VALUES, 10: _VALUES}  # float_data, raw_data, double_data
_GRAPH: Form = {5: _TENSOR, 15: {1: _TENSOR, 2: _TENSOR}}  # initializer, sparse_initializer
_GRAPH[1] = {5: {5: _TENSOR, 6: _GRAPH}}  # node: attribute: t, g
_MODEL: Form = {7: _GRAPH}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Malformed(Exception):
    """The bytes are no protocol buffer, or one of too much structure.  The text says which."""


def check_structure(data: bytes) -> None:
    """Raise Malformed if a model's messages take more than MOST bytes without their values."""
    _Scan(data).message(0, len(data), _MODEL, 0)


class _Scan:
    def __init__(self, data: bytes) -> None:
        self.data, self.room = data, MOST

    def message(self, at: int, end: int, form: Form, depth: int) -> None:
        """Go through the fields of a message, which lies at at ... end."""
        if depth > DEEPEST:
            raise Malformed("its messages lie too deep within each other")
        while at < end:
            first = at
            key, at = self._varint(at, end)
            start, after = self._extent(key & 7, at, end)
            inner = form.get(key >> 3) if key & 7 == _BYTES else None
            self.room -= (after if inner is None else start) - first
            if self.room < 0:
                raise Malformed(
                    f"has more than {MOST:,} bytes beside its arrays; store arrays as raw_data"
                )
            if inner:
                self.message(start, after, inner, depth + 1)
            at = after

    def _extent(self, kind: int, at: int, end: int) -> tuple[int, int]:
        """Return where the contents of a field begin and end."""
        start = at
        if kind == _VARINT:
            _, at = self._varint(at, end)
        elif kind == _BYTES:
            size, start = self._varint(at, end)
            at = start + size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise Malformed("is no protocol buffer")
        if at > end:
            raise Malformed("is truncated, or no protocol buffer")
        return start, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise Malformed("is truncated, or no protocol buffer")
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
        raise Malformed("is no protocol buffer")
