"""Winograd's transforms of tiles, F(2x2, 3x3) (Lavin and Gray, 2015), on whole vectors.

A 3x3 filter over a 4x4 tile of pixels gives 2x2 outputs.  With the tile and the filter transformed
to 4x4 points each, these are products of points, 16 instead of 36:

    y = A' [(G w G') . (B' x B)] A        dw = G' [(A dy A') . (B' x B)] G

Each function here reads the numbers of a square tile, row by row `step` scalars apart, for a block
of columns, and writes the transformed ones, likewise.  (Addresses are of scalars of `like`'s type.)
"""

from math import isqrt

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from convnet.backends.cpu.microkernel import VECTORS, Block

POINTS = 16


def _emitter(transform, numbers):
    """What emits `transform`, of a list of values, along columns and then along rows."""
    side = isqrt(numbers)

    def emit(context, builder, signature, args):
        source, step, target, target_step = args[1:]
        block = Block(builder, context.get_value_type(signature.args[0].dtype), VECTORS)
        ops = _Arithmetic(block)
        source, target = (builder.inttoptr(p, ir.PointerType()) for p in (source, target))
        for j in range(VECTORS):
            tile = [block.row_vector(source, step, k, j) for k in range(numbers)]
            columns = [transform(ops, tile[k::side]) for k in range(side)]
            rows = [transform(ops, list(row)) for row in zip(*columns, strict=True)]
            for k, value in enumerate(v for row in rows for v in row):
                block.put_row_vector(value, target, target_step, k, j)
        return context.get_dummy_value()

    return emit


class _Arithmetic:
    """Sums of vectors as they are emitted."""

    def __init__(self, block):
        self.block, self.b = block, block.b

    def add(self, *values):
        total = values[0]
        for value in values[1:]:
            total = self.b.fadd(total, value)
        return total

    def sub(self, first, *values):
        for value in values:
            first = self.b.fsub(first, value)
        return first

    def half(self, value):
        return self.b.fmul(value, self.block.all_lanes(0.5))

    def minus(self, value):
        return self.b.fsub(self.block.all_lanes(-0.0), value)


def _input(o, d):
    return [o.sub(d[0], d[2]), o.add(d[1], d[2]), o.sub(d[2], d[1]), o.sub(d[1], d[3])]


def _output(o, m):
    return [o.add(m[0], m[1], m[2]), o.sub(m[1], m[2], m[3])]


def _filter(o, g):
    ends, middle = o.half(o.add(g[0], g[2])), o.half(g[1])
    return [g[0], o.add(ends, middle), o.sub(ends, middle), g[2]]


def _spread(o, d):
    return [d[0], o.add(d[0], d[1]), o.sub(d[0], d[1]), o.minus(d[1])]


def _collect(o, u):
    total, difference = o.half(o.add(u[1], u[2])), o.half(o.sub(u[1], u[2]))
    return [o.add(u[0], total), difference, o.add(total, u[3])]


def _made(transform, numbers):
    emit = _emitter(transform, numbers)

    @intrinsic
    def of_tile(_typing, like, source, step, target, target_step):
        return types.void(like, *[types.int64] * 4), emit

    return of_tile


_input_tile, _output_tile, _filter_tile = _made(_input, 16), _made(_output, 16), _made(_filter, 9)
_spread_tile, _collect_tile = _made(_spread, 4), _made(_collect, 16)


@njit(cache=True, nogil=True)
def input_tile(like, source, step, target, target_step):
    """4x4 pixels to 16 points."""
    _input_tile(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def output_tile(like, source, step, target, target_step):
    """16 points to 2x2 outputs."""
    _output_tile(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def filter_tile(like, source, step, target, target_step):
    """A filter of 3x3 to 16 points."""
    _filter_tile(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def spread_tile(like, source, step, target, target_step):
    """Gradients of 2x2 outputs to 16 points."""
    _spread_tile(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def collect_tile(like, source, step, target, target_step):
    """Gradients of 16 points to those of a filter of 3x3."""
    _collect_tile(like, source, step, target, target_step)
