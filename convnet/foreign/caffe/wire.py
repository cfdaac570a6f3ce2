"""Separates the values of a Caffe file's arrays from the messages around them.

Nearly all of a file are the values of arrays.  They are left where they are, and what remains, the
structure, is copied with a number in place of each run of values; Protocol Buffers' own parser
reads that copy (schema.py).  So no memory is taken for values twice, and the structure, of which a
parsed message takes many times its bytes, is limited before it is parsed.

Source of the field numbers: caffe.proto.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from convnet.foreign.protobuf_wire import (
    BYTES,
    FIXED32,
    FIXED64,
    Malformed,
    bytes_field,
    extent,
    key_at,
    varint,
)

MOST_STRUCTURE = 2 << 20  # bytes; that of a network of a thousand layers takes 400,000
_LEAST = 8  # bytes that any field counts for, so that a walk over many small ones ends soon
_EACH = 64  # bytes that a message or a run of values counts for: about what it takes in memory

# Of a message: what is at its field numbers that hold arrays somewhere below.
Form: TypeAlias = "dict[int, Form | np.dtype | None]"
_FLOAT, _DOUBLE = np.dtype("<f4"), np.dtype("<f8")
BLOB: Form = {5: _FLOAT, 8: _DOUBLE, 6: None, 9: None}  # data, double_data; their gradients
_V0_LAYER: Form = {50: BLOB}
_V1_LAYER: Form = {6: BLOB, 1: _V0_LAYER}
NET: Form = {100: {7: BLOB}, 2: _V1_LAYER}  # layer: blobs; layers: blobs


@dataclass
class Separated:
    """A message without the values of its arrays.

    structure: the message; where the values of an array were, it has numbers of `runs`.
    """

    structure: bytes = b""
    runs: list[np.ndarray] = field(default_factory=list)


def separate(data: bytes, form: Form) -> Separated:
    """Return the structure of a message and its runs of values, which are views of `data`.

    Raises Malformed if it is damaged, or has more than MOST_STRUCTURE bytes of structure.
    """
    found = Separated()
    found.structure = _Walk(memoryview(data), found.runs).message(0, len(data), form)
    return found


class _Walk:
    def __init__(self, data: memoryview, runs: list[np.ndarray]) -> None:
        self.data, self.runs, self.room = data, runs, MOST_STRUCTURE

    def message(self, at: int, end: int, form: Form) -> bytes:
        """Return the structure of the message that lies at at ... end."""
        kept = bytearray()
        while at < end:
            first = at
            number, kind, at = key_at(self.data, at, end)
            inside = form.get(number, ...)
            if inside is ...:
                at = extent(self.data, kind, at, end)[1]
                self._spend(max(at - first, _LEAST))
                kept += self.data[first:at]
            elif isinstance(inside, dict):
                start, at = self._part(kind, at, end)
                kept += bytes_field(number, self.message(start, at, inside))
                self._spend(_EACH)
            else:
                at = self._values(kind, first, at, end, inside, self._keep(number, kept))
        return bytes(kept)

    def _keep(self, number: int, kept: bytearray) -> Callable[[np.ndarray], None]:
        """What stores a run of values and leaves its number in the structure."""

        def keep(values: np.ndarray) -> None:
            kept.extend(bytes_field(number, varint(len(self.runs))))
            self.runs.append(values)

        return keep

    def _values(
        self,
        kind: int,
        first: int,
        at: int,
        end: int,
        dtype: np.dtype | None,
        keep: Callable[[np.ndarray], None],
    ) -> int:
        """Keep the values of a field, packed or not, and return where the next field begins.

        dtype: None for values that nobody needs.
        """
        if kind == BYTES:
            start, after = self._part(kind, at, end)
            self._spend(_EACH)
            if dtype is not None:
                if (after - start) % dtype.itemsize:
                    raise Malformed("an array ends within a value")
                keep(np.frombuffer(self.data[start:after], dtype))
            return after
        if kind not in (FIXED32, FIXED64):
            raise Malformed("an array holds no floating-point numbers")
        size = 4 if kind == FIXED32 else 8
        if dtype is not None and dtype.itemsize != size:
            raise Malformed(f"an array of {8 * dtype.itemsize}-bit numbers holds others")
        rows = self._equal_keys(first, at, at + size, end)
        self._spend(_EACH)
        if dtype is not None:
            keep(np.ascontiguousarray(rows[:, at - first :]).view(dtype).reshape(-1))
        return first + rows.size

    def _equal_keys(self, first: int, at: int, after: int, end: int) -> np.ndarray:
        """Return consecutive fields of the key at first ... at, a row of bytes each."""
        step = after - first
        most = (end - first) // step
        if not most:
            raise Malformed("it is truncated, or no protocol buffer")
        rows = np.frombuffer(self.data[first : first + most * step], np.uint8).reshape(-1, step)
        count, key = 1, rows[0, : at - first]
        while count < most:  # as many again, so that short runs in a long message take no time
            same = (rows[count : 2 * count, : at - first] == key).all(1)
            if not same.all():
                count += int(same.argmin())
                break
            count += len(same)
        return rows[:count]

    def _part(self, kind: int, at: int, end: int) -> tuple[int, int]:
        if kind != BYTES:
            raise Malformed("a message was expected, a number found")
        return extent(self.data, kind, at, end)

    def _spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise Malformed(f"it has more than {MOST_STRUCTURE:,} bytes beside its arrays")
