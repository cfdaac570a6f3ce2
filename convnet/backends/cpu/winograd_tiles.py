"""Winograd's transforms of tiles of 6x6 pixels (Lavin and Gray, 2015), on whole vectors.

A correlation of 6 pixels with a filter of `size`, 3 or 5, gives 7 - size outputs.  It is the
product of polynomials seen from the other side, and a product is known by its values at 6 points:
0, 1, -1, 2, -2 and infinity.  In two dimensions

    y = A' [(G w G') . (B' x B)] A        dw = G' [(A dy A') . (B' x B)] G

where a row of A, B' and G belongs to a point: 36 products instead of 144 (3x3) or 100 (5x5).

Each function here reads the numbers of a square tile, row by row `step` scalars apart, for a block
of columns, and writes the transformed ones, likewise.  (Addresses are of scalars of `like`'s type.)
"""

from fractions import Fraction
from math import isqrt, prod

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from convnet.backends.cpu.microkernel import VECTORS, Block

SIDE = 6  # of a tile
POINTS = SIDE * SIDE
SIZES = (3, 5)  # of filters
_FINITE = (0, 1, -1, 2, -2)  # points; in pairs p, -p, so that sums are shared


@njit(cache=True)
def outputs_of(size):
    """Outputs of a tile's side."""
    return SIDE + 1 - size


def _powers(count):
    """Rows of A: what a polynomial of `count` coefficients is at the points."""
    return [[p**k for k in range(count)] for p in _FINITE] + [[0] * (count - 1) + [1]]


def _filter_rows(size):
    """Rows of G: powers over the products of a point's distances from the others."""
    scales = [prod(p - q for q in _FINITE if q != p) for p in _FINITE] + [1]
    return [
        [Fraction(n, scale) for n in row] for row, scale in zip(_powers(size), scales, strict=True)
    ]


def _input_rows():
    """Rows of B': coefficients of the polynomial that is zero at all other points."""
    rows = []
    for point in (*_FINITE, None):
        row = [1]
        for zero in _FINITE:
            if zero != point:  # times (x - zero)
                row = [a - zero * b for a, b in zip([0, *row], [*row, 0], strict=True)]
        rows.append(row + [0] * (SIDE - len(row)))
    return rows


class _Arithmetic:
    """Sums of vectors as they are emitted."""

    def __init__(self, block):
        self.block, self.b = block, block.b

    def sum(self, factors, values):
        """factors . values; zeros cost nothing, ones an addition."""
        total = None
        for factor, value in sorted(
            ((f, v) for f, v in zip(factors, values, strict=True) if f), key=lambda t: t[0] != 1
        ):
            if total is None:
                total = value if factor == 1 else self.b.fmul(self._all(factor), value)
            elif factor == 1:
                total = self.b.fadd(total, value)
            elif factor == -1:
                total = self.b.fsub(total, value)
            else:
                total = self.block.fused(self._all(factor), value, total)
        return total

    def _all(self, factor):
        return self.block.all_lanes(float(factor))


def _at_points(rows):
    """What emits rows x values, a row for each point: those of p and -p from the same two sums."""

    def emit(o, values):
        even, odd = ([o.sum(row[k::2], values[k::2]) for row in (rows[1], rows[3])] for k in (0, 1))
        pairs = [f(*halves) for halves in zip(even, odd, strict=True) for f in (o.b.fadd, o.b.fsub)]
        return [o.sum(rows[0], values), *pairs, o.sum(rows[5], values)]

    return emit


def _from_points(rows):
    """What emits the transpose of rows x values, a value for each point."""

    def emit(o, values):
        sums = [o.b.fadd(*values[k : k + 2]) for k in (1, 3)]
        differences = [o.b.fsub(*values[k : k + 2]) for k in (1, 3)]
        found = []
        for k, column in enumerate(zip(*rows, strict=True)):
            pairs = differences if k % 2 else sums
            factors = [column[0], column[1], column[3], column[5]]
            found.append(o.sum(factors, [values[0], *pairs, values[5]]))
        return found

    return emit


def _made(transform, numbers):
    """An intrinsic that transforms tiles of `numbers`, along columns and then along rows."""
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

    @intrinsic
    def of_tile(_typing, like, source, step, target, target_step):
        return types.void(like, *[types.int64] * 4), emit

    return of_tile


_input_tile = _made(_at_points(_input_rows()), POINTS)
_output3, _output5 = (_made(_from_points(_powers(outputs_of(k))), POINTS) for k in SIZES)
_filter3, _filter5 = (_made(_at_points(_filter_rows(k)), k * k) for k in SIZES)
_spread3, _spread5 = (_made(_at_points(_powers(outputs_of(k))), outputs_of(k) ** 2) for k in SIZES)
_collect3, _collect5 = (_made(_from_points(_filter_rows(k)), POINTS) for k in SIZES)


@njit(cache=True, nogil=True)
def input_tile(like, source, step, target, target_step):
    """Pixels to points."""
    _input_tile(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def output_tile(like, size, source, step, target, target_step):
    """Points to outputs."""
    if size == 3:
        _output3(like, source, step, target, target_step)
    else:
        _output5(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def filter_tile(like, size, source, step, target, target_step):
    """A filter to points."""
    if size == 3:
        _filter3(like, source, step, target, target_step)
    else:
        _filter5(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def spread_tile(like, size, source, step, target, target_step):
    """Gradients of outputs to points."""
    if size == 3:
        _spread3(like, source, step, target, target_step)
    else:
        _spread5(like, source, step, target, target_step)


@njit(cache=True, nogil=True)
def collect_tile(like, size, source, step, target, target_step):
    """Gradients of points to those of a filter."""
    if size == 3:
        _collect3(like, source, step, target, target_step)
    else:
        _collect5(like, source, step, target, target_step)
