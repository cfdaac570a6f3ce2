"""Writes MATLAB files of version 5 that hold one table, as the development kits' meta.mat."""

import struct
import zlib

DOUBLE, UINT16, UINT32, INT32, INT8, UINT8, MATRIX, COMPRESSED = 9, 4, 6, 5, 1, 2, 14, 15
STRUCTURES, CHARACTERS, DOUBLES = 2, 4, 6


def matlab_file(name: str, rows: list[dict], compress=True, order="<") -> bytes:
    """rows: structures of the same fields, each holding a text, a number or a list of numbers."""
    header = b"MATLAB 5.0 MAT-file, made by a test".ljust(124)
    header += struct.pack(order + "H", 0x0100) + (b"IM" if order == "<" else b"MI")
    writer = _Writer(order)
    table = writer.element(MATRIX, writer.table(name, rows))
    if compress:
        packed = zlib.compress(table)
        table = struct.pack(order + "II", COMPRESSED, len(packed)) + packed
    return header + table


class _Writer:
    def __init__(self, order):
        self.order = order

    def element(self, kind, data):
        if len(data) <= 4 and kind != MATRIX:  # the small form
            return struct.pack(self.order + "I", len(data) << 16 | kind) + data.ljust(4, b"\0")
        padded = data + bytes(-len(data) % 8)
        return struct.pack(self.order + "II", kind, len(data)) + padded

    def packed(self, kind, code, *values):
        return self.element(kind, struct.pack(f"{self.order}{len(values)}{code}", *values))

    def head(self, kind, sizes, name=""):
        flags = self.packed(UINT32, "I", kind, 0)
        return flags + self.packed(INT32, "i", *sizes) + self.element(INT8, name.encode())

    def table(self, name, rows):
        fields = list(rows[0])
        data = self.head(STRUCTURES, (len(rows), 1), name) + self.packed(INT32, "i", 32)
        data += self.element(INT8, b"".join(field.encode().ljust(32, b"\0") for field in fields))
        cells = (self.value(row[field]) for row in rows for field in fields)
        return data + b"".join(self.element(MATRIX, cell) for cell in cells)

    def value(self, value):
        if isinstance(value, str):
            units = value.encode("utf-16-le" if self.order == "<" else "utf-16-be")
            return self.head(CHARACTERS, (1, len(value))) + self.element(UINT16, units)
        values = value if isinstance(value, list) else [value]
        head = self.head(DOUBLES, (1, len(values)))
        # MATLAB stores whole numbers in the smallest type that holds them.
        if all(v == int(v) and 0 <= v < 256 for v in values):
            return head + self.packed(UINT8, "B", *(int(v) for v in values))
        if all(v == int(v) and 0 <= v < 65536 for v in values):
            return head + self.packed(UINT16, "H", *(int(v) for v in values))
        return head + self.packed(DOUBLE, "d", *values)
