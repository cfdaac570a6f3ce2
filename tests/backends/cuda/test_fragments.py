"""Warp tiles of the CUDA products, computed by a model of 32 lanes: layouts, fragments, banks.

The code that emits LLVM instructions gets a builder that computes with arrays of one value for each
lane.  mma.sync and ldmatrix are modeled after the PTX manual ("Matrix fragments for mma.m16n8k8",
"mma.m16n8k16 with floating point type" and "ldmatrix"), independently of the code.
"""

import re

import numpy as np
import pytest
from llvmlite import ir

pytest.importorskip("numba.cuda.extending")

from convnet.backends.cuda.gemm import gemm, tiles
from convnet.backends.cuda.gemm.kernel import Variant
from convnet.backends.cuda.gemm.tile import COLUMNS, ROWS
from convnet.backends.cuda.ptx import device_bf16, device_results, device_tiles
from convnet.backends.cuda.ptx.warp_tiles import (
    BY_COLUMN,
    DEPTHS,
    PADDED_COLUMNS,
    PADDING,
    PLAIN,
    SWIZZLED,
    VALUE_BYTES,
    place_of,
)

LANE = np.arange(32)
G, T = LANE // 4, LANE % 4
TILE = 128  # columns of a tile in shared memory


def plain(value):
    return value.constant if isinstance(value, ir.Constant) else value


def two(operation):
    return lambda self, a, b: operation(plain(a), plain(b))


class Lanes:
    """What the emitting code needs of an IRBuilder; a pointer is an index of shared memory."""

    def __init__(self, shared):
        self.shared = shared

    add, sub, mul = two(np.add), two(np.subtract), two(np.multiply)
    and_, xor, shl, lshr = (
        two(operation)
        for operation in (np.bitwise_and, np.bitwise_xor, np.left_shift, np.right_shift)
    )
    fmul = two(lambda a, b: np.float32(a) * np.float32(b))

    def fma(self, a, b, c):
        a, b, c = (np.float64(plain(value)) for value in (a, b, c))
        return np.float32(a * b + c)

    def gep(self, place, index):
        return place + plain(index[0])

    def bitcast(self, value, kind):
        return value

    def load(self, place, align):
        """Four values; each quarter of the warp must meet all 32 banks, or one word of each."""
        place = np.broadcast_to(place, 32)
        assert align == 16 and not np.any(place % 4)
        for quarter in place.reshape(4, 8):
            words = np.unique(quarter)
            assert np.unique(words // 4 % 8).size == words.size, "two words of one bank"
        return self.shared[place + np.arange(4)[:, None]]

    def extract_element(self, values, i):
        return values[i.constant]

    extract_value = staticmethod(lambda values, e: values[e])

    def assembly(self, kind, text, constraints, operands):
        assert text.startswith("mma.sync.aligned.m16n8k")
        return mma(operands[:4], operands[4:6], operands[6:], halves=".bf16." in text)


def load_matrix(lanes, result, text, constraints, operands):
    """ldmatrix: four registers, each of two halves; `lanes.shared` has values of two bytes."""
    head = r"ldmatrix\.sync\.aligned\.m8n8\.x4(\.trans)?\.shared\.b16 \{\S+\}, \[\$4\+(\d+)\];"
    match, found = re.fullmatch(head, text), []
    for rows in (operands[0] + int(match[2])).reshape(4, 8):  # addresses of a matrix
        assert not np.any(rows % 16) and np.unique(rows // 16 % 8).size == 8, (
            "two words of one bank"
        )
        matrix = lanes.shared[rows[:, None] // 2 + np.arange(8)]
        matrix = matrix.T if match[1] else matrix
        found.append((matrix[G, 2 * T], matrix[G, 2 * T + 1]))
    return found


def bf16(values):
    bits = np.float32(values).view(np.uint32)
    nearest = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return (nearest & np.uint32(0xFFFF0000)).view(np.float32)


def mma(a, b, c, halves):
    """The four registers of D = A B + C of each lane; halves: a register has k and k + 1."""
    depth = 16 if halves else 8
    left, right, result = np.zeros((16, depth)), np.zeros((depth, 8)), np.zeros((16, 8))
    for register in range(4):
        row, upper = G + 8 * (register % 2), register // 2
        for h in range(2 if halves else 1):
            k = 2 * T + 8 * upper + h if halves else T + 4 * upper
            left[row, k] = a[register][h] if halves else a[register]
            if register % 2 == 0:
                right[k, G] = b[upper][h] if halves else b[upper]
        result[row - 8 * (register % 2) + 8 * upper, 2 * T + register % 2] = c[register]
    result += left @ right
    return [np.float32(result[G + 8 * (e // 2), 2 * T + e % 2]) for e in range(4)]


CASES = [(0, 32, 64, PLAIN, PLAIN)] + [
    (precision, rows, columns, a, b)
    for precision, (by_k, by_column) in ((1, (SWIZZLED, BY_COLUMN)), (2, (PLAIN, PADDED_COLUMNS)))
    for rows, columns in ((32, 64), (64, 64), (96, 32))
    for a, b in ((by_k, by_k), (by_column, by_k), (by_column, by_column))
]


@pytest.mark.parametrize(("precision", "rows", "columns", "a_layout", "b_layout"), CASES)
def test_products_of_a_warp(monkeypatch, precision, rows, columns, a_layout, b_layout):
    monkeypatch.setattr(device_bf16, "_pure", Lanes.assembly)
    monkeypatch.setattr(device_bf16, "asm", load_matrix)
    random, depth, size = np.random.default_rng(rows), DEPTHS[precision], VALUE_BYTES[precision]
    k, column = np.ogrid[:depth, :TILE]
    second = 4 * depth * TILE  # where B begins
    layouts, sides, shared = [], [], np.full(2 * second, np.nan, np.float32)
    for first, layout in ((0, a_layout), (second, b_layout)):
        by_column = layout in (BY_COLUMN, PADDED_COLUMNS)
        ld = (depth if by_column else TILE) + PADDING[precision]
        values = random.standard_normal((depth, TILE)).astype(np.float32)
        stored = bf16(values) if precision == 2 else values
        shared[first + place_of(k, column, layout, ld)] = stored
        layouts.append((layout, ld))
        sides.append(values[:, TILE - (rows if first == 0 else columns) :])
    corners = [
        first + (TILE - count) * (ld if layout in (BY_COLUMN, PADDED_COLUMNS) else 1)
        for first, count, (layout, ld) in zip((0, second), (rows, columns), layouts, strict=True)
    ]
    if precision == 2:  # addresses
        corners = [size * corner for corner in corners]
    lanes, zeros = Lanes(shared), [np.zeros(32, np.float32)] * (rows * columns // 32)
    emit = (
        device_tiles.multiplied_fp32,
        device_tiles.multiplied_tf32,
        device_bf16.multiplied_bf16,
    )[precision]
    acc = emit(lanes, zeros, *corners, LANE, *layouts, rows, columns, precision)
    found = np.full((rows, columns), np.nan)
    own_rows, column, runs, indices = device_results.held(lanes, LANE, rows, columns, precision)
    for row, mine in zip(own_rows, indices, strict=True):
        for first, run in zip(runs, mine, strict=True):
            for w, i in enumerate(run):
                assert np.isnan(found[row, column + first + w]).all(), "held twice"
                found[row, column + first + w] = acc[i]
    left, right = (rounded(side, precision) for side in sides)
    assert np.allclose(found, left.T @ right, rtol=1e-5, atol=1e-5)


def rounded(values, precision):
    """To the nearest number of 24, 11 or 8 bits, in float64."""
    if precision == 2:
        return bf16(values).astype(np.float64)
    fraction, exponent = np.frexp(values.astype(np.float64))
    bits = 24 if precision == 0 else 11
    return np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)


@pytest.mark.parametrize("size", [*gemm.TILES, *gemm.BF16_TILES], ids=str)
@pytest.mark.parametrize("kind", [ROWS, COLUMNS])
def test_tiles_in_bf16_are_written_without_bank_conflicts(kind, size):
    """Half a warp writes 8 bytes a thread at once: 128 bytes, of 32 banks."""
    v = Variant(kind, 4, kind, 4, 4, *size[:2], 2)
    thread = np.arange(v.threads)
    for tile in v.tiles():
        row = tiles._own_row.py_func(tile, thread)
        assert sorted(set(row)) == list(range(tile.step))
        first = 2 * (row * tile.ld + thread % tile.across * 4)
        for half in first.reshape(-1, 16):
            assert np.unique((half[:, None] + [0, 4]) // 4 % 32).size == 32


def test_splitting_rounds_to_eleven_bits():
    values = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    special = np.float32([0, -0.0, 1, -1.5, 1 + 2**-10, np.nan, 1e-30, 1e30])
    for given in (values, special):
        found = device_tiles._tf32(Lanes(None), given)
        finite = ~np.isnan(given)
        assert np.isnan(found[~finite]).all() and not np.any(found[finite].view(np.uint32) & 0x1FFF)
        assert np.all(np.abs(found - given)[finite] <= 2.0**-11 * 1.001 * np.abs(given)[finite])
