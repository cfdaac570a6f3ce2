"""How much of an ONNX file are no plain values, counted before anything of it is parsed.

A parsed message takes up to a hundred times its bytes: two bytes of a file are an empty operator of
160 in memory.  Only the arrays of plain values take what they have in the file.

Source of the field numbers: onnx.proto.
"""

from __future__ import annotations

from typing import TypeAlias

from convnet.foreign.protobuf_wire import BYTES, Malformed, extent, key_at

MOST = 4 << 20  # bytes; a network of a thousand layers has less than one million
DEEPEST = 100  # messages within each other, as in Protocol Buffers' own parsers

# Messages by the numbers of their fields; an empty one stands for plain values.
Form: TypeAlias = "dict[int, Form]"
_VALUES: Form = {}
_TENSOR: Form = {4: _VALUES, 9: _VALUES, 10: _VALUES}  # float_data, raw_data, double_data
_GRAPH: Form = {5: _TENSOR, 15: {1: _TENSOR, 2: _TENSOR}}  # initializer, sparse_initializer
_GRAPH[1] = {5: {5: _TENSOR, 6: _GRAPH}}  # node: attribute: t, g
_MODEL: Form = {7: _GRAPH}


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
            number, kind, at = key_at(self.data, at, end)
            start, after = extent(self.data, kind, at, end)
            inner = form.get(number) if kind == BYTES else None
            self.room -= (after if inner is None else start) - first
            if self.room < 0:
                raise Malformed(
                    f"it has more than {MOST:,} bytes beside its arrays; store arrays as raw_data"
                )
            if inner:
                self.message(start, after, inner, depth + 1)
            at = after
