"""Winograd's transforms of tiles, on whole vectors: functions that kernels call by address.

A function reads the numbers of a square tile, for a block of columns; number (i, j) is at i * row +
j * step scalars from the first.  That of the input reads each number at an address from a list.  It
writes the transformed numbers in order, `target_step` scalars apart.  There is a function for each
side of tiles, size of filters and type of numbers.  It is compiled when a convolution first needs
it, and cached.  (A kernel that called the functions by name would be compiled together with all of
them.)
"""

from functools import cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.microkernel import VECTORS, Block
from convnet.backends.cpu.winograd.points import (
    SIDES,
    SIZES,
    filter_rows,
    input_rows,
    power_rows,
)
from convnet.compiling.kernels import callback

_I64 = ir.IntType(64)


class _Arithmetic:
    """Emits sums of vectors with constant factors."""

    def __init__(self, block):
        self.block, self.b = block, block.b

    def times(self, factor, value):
        """factor * value."""
        return value if factor == 1 else self.b.fmul(self._all(factor), value)

    def sum(self, factors, values):
        """sum_k factors[k] * values[k]; a factor 0 costs nothing, 1 and -1 an addition."""
        total = None
        for factor, value in sorted(
            ((f, v) for f, v in zip(factors, values, strict=True) if f), key=lambda t: t[0] != 1
        ):
            if total is None:
                total = self.times(factor, value)
            elif factor == 1:
                total = self.b.fadd(total, value)
            elif factor == -1:
                total = self.b.fsub(total, value)
            else:
                total = self.block.fused(self._all(factor), value, total)
        return total

    def _all(self, factor):
        return self.block.all_lanes(float(factor))


def _mirrored(row, other):
    """c if other = c * row with the signs of odd coefficients inverted, otherwise None."""
    inverted = [-n if k % 2 else n for k, n in enumerate(row)]
    factor = next((b / a for a, b in zip(inverted, other, strict=True) if a and b), None)
    same = factor and all(factor * a == b for a, b in zip(inverted, other, strict=True))
    return factor if same else None


def _pairs(rows):
    """(number of the first, factor) of each pair of points p, -p; (number, None) of the others."""
    found, i = [], 0
    while i < len(rows):
        factor = _mirrored(rows[i], rows[i + 1]) if 0 < i < len(rows) - 2 else None
        found.append((i, factor))
        i += 2 if factor else 1
    return found


def _at_points(rows):
    """Return a function that emits rows x values; rows of a pair p, -p share their two sums."""

    def emit(o, values):
        results = []
        for i, factor in _pairs(rows):
            if factor is None:
                results.append(o.sum(rows[i], values))
                continue
            even, odd = (o.sum(rows[i][k::2], values[k::2]) for k in (0, 1))
            results += [o.b.fadd(even, odd), o.times(factor, o.b.fsub(even, odd))]
        return results

    return emit


def _from_points(rows):
    """Return a function that emits transposed rows x values, with a value for each point."""

    def emit(o, values):
        singles, pairs = [], []
        for i, factor in _pairs(rows):
            if factor is None:
                singles.append((rows[i], values[i]))
            else:
                a, b = values[i], o.times(factor, values[i + 1])
                pairs.append((rows[i], (o.b.fadd(a, b), o.b.fsub(a, b))))
        return [
            o.sum(
                [row[k] for row, _ in singles + pairs],
                [value for _, value in singles] + [both[k % 2] for _, both in pairs],
            )
            for k in range(len(rows[0]))
        ]

    return emit


def _transforms():
    """Map (name, side of a tile, size of the filter) to (side of the input, function of a row)."""
    found = {}
    for side in SIDES:
        found["input", side, 0] = side, _at_points(input_rows(side))
        for size in SIZES:
            outputs, filters = power_rows(side, side + 1 - size), filter_rows(side, size)
            found["output", side, size] = side, _from_points(outputs)
            found["filter", side, size] = size, _at_points(filters)
            found["spread", side, size] = side + 1 - size, _at_points(outputs)
            found["collect", side, size] = side, _from_points(filters)
    return found


_TRANSFORMS = _transforms()
_NAMES = list(_TRANSFORMS)


def _in_rows(block, source, row, step, side):
    """Pointers to the numbers of a tile, whose rows are `row` scalars apart."""
    b = block.b
    starts = [block.at(source, b.mul(row, ir.Constant(_I64, k))) for k in range(side)]
    steps = [b.mul(step, ir.Constant(_I64, k)) for k in range(side)]
    return [[block.at(start, k) for k in steps] for start in starts]


def _from_list(block, source, side):
    """Pointers to the numbers of a tile, read from a list of addresses."""
    b = block.b

    def pointer(k):
        where = b.gep(source, [ir.Constant(_I64, k)], source_etype=_I64)
        return b.inttoptr(b.load(where, typ=_I64), ir.PointerType())

    return [[pointer(i * side + j) for j in range(side)] for i in range(side)]


@intrinsic(prefer_literal=True)
def _emit(_typing, number, item, source, row, step, target, target_step):
    name = _NAMES[number.literal_value]
    side, transform = _TRANSFORMS[name]
    scalar = ir.FloatType() if item.literal_value == 4 else ir.DoubleType()

    def codegen(context, builder, _signature, args):
        source, row, step, target, target_step = args[2:]
        block = Block(builder, scalar, VECTORS)
        ops = _Arithmetic(block)
        source, target = (builder.inttoptr(p, ir.PointerType()) for p in (source, target))
        if name[0] == "input":
            pointers = _from_list(block, source, side)
        else:
            pointers = _in_rows(block, source, row, step, side)
        for j in range(VECTORS):
            place = ir.Constant(_I64, j * block.lanes)
            tile = [[block.load(pointer, place) for pointer in line] for line in pointers]
            columns = [transform(ops, list(column)) for column in zip(*tile, strict=True)]
            rows = [transform(ops, list(row)) for row in zip(*columns, strict=True)]
            for k, value in enumerate(v for row in rows for v in row):
                block.put_row_vector(value, target, target_step, k, j)
        return context.get_dummy_value()

    return types.void(number, item, *[types.int64] * 5), codegen


def _transform(number, item, source, row, step, target, target_step):
    _emit(number, item, source, row, step, target, target_step)


@cache
def _compiled(number, item):
    """Compile a function.  It is never freed, since kernels know only its address."""
    literals = types.literal(number), types.literal(item)
    return callback(_transform, types.void(*literals, *[types.int64] * 5))


@cache
def address_of(name: str, side: int, size: int, dtype: np.dtype) -> np.int64:
    """Return the address of the function that transforms tiles.  Its name is one of

    input: pixels to points (size 0).  output: points to outputs.  filter: a filter to points.
    spread: gradients of outputs to points.  collect: gradients at points to those of a filter.
    """
    number = _NAMES.index((name, side, size))
    return np.int64(_compiled(number, np.dtype(dtype).itemsize).address)


@intrinsic
def _call(_typing, function, source, row, step, target, target_step):
    def codegen(context, builder, _signature, args):
        function, *numbers = args
        kind = ir.FunctionType(ir.VoidType(), [_I64] * 7)
        unused = [ir.Constant(_I64, 0)] * 2  # the literals
        builder.call(builder.inttoptr(function, kind.as_pointer()), [*unused, *numbers])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@helper
def transform_tile(function, source, row, step, target, target_step):
    """Call the function at an address from `address_of`.  Steps are in scalars."""
    _call(function, source, row, step, target, target_step)


@helper
def transform_scattered(function, sources, target, target_step):
    """Call the function of the input transform.  sources: the address of a list of addresses."""
    _call(function, sources, 0, 0, target, target_step)
