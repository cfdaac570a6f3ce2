"""How tiles of an operand of a product come to shared memory.

A product is C(m, n) = sum over k of A(k, m) B(k, n).  A tile is `wide` columns (m or n) from
`start` and `depth` values of k.  What is beyond the operand's columns or the last k becomes zero.
How an operand lies in memory is its kind:

* ROWS: k outermost, its columns neighbours: operand[k * stride + column];
* COLUMNS: the values of k are neighbours: operand[column * stride + k];
* WINDOW: columns are (module, case) and k are taps (channel, row, column) of the window of an image
  (C, H, W, N) that the module reads; pixels outside the image are zero;
* MODULES: the other way: k are (module, case), columns are taps.

`sizes` are twelve int32: (group, columns, stride) for ROWS and COLUMNS, and for the others (group,
columns, cases, modules in a row, width, stride, padding, limit, modules), then for MODULES how many
(rows of modules, modules, cases) further the next tile's k are.  group: how far one group's values
are from the next one's; modules: by how many modules its windows are further.

Pixels are packed as row << 16 | column, both signed.  `limit` is the last pixel of the image.
`taps` has two numbers for each tap: its pixel, and how far its value is from the window's corner.

`start_tiles` puts into `place`, a local array, what a thread would else compute for each tile, and
`load_tile` copies one tile and moves `place` to the next.  Registers are dear here: numbers are 32
bits, and addresses are sums with what is the same for all threads.
"""

from typing import NamedTuple

from convnet.backends.cuda.jit import inlined, int32, uint32
from convnet.backends.cuda.ptx.intrinsics import copy_async, load_pair
from convnet.backends.cuda.ptx.warp_tiles import BY_COLUMN, PLAIN, SWIZZLED, spot

ROWS, COLUMNS, WINDOW, MODULES = range(4)
MOST_SIDE = 1 << 12  # of images, filters and padding: a packed row is above the bits of columns
NOWHERE = -(1 << 29)  # a pixel above every image, also below a tap of any filter
_SIGNS = -0x7FFF8000  # of a packed row and column


class Tile(NamedTuple):
    """How tiles of an operand are copied: constants of a kernel.

    layout, ld: in shared memory, see `warp_tiles`.  width: values a copy, 4 or 1.  across: threads
    beside each other, a power of two, that copy columns of ROWS or WINDOW, values of k of the
    others.  step: how many rows of such threads there are.  strips: copies next to each other that
    a thread makes.  even: whether all threads copy equally much.
    """

    kind: int
    wide: int
    depth: int
    layout: int
    ld: int
    width: int
    across: int
    step: int
    strips: int
    column_step: int
    even: int

    @classmethod
    def of(cls, kind: int, wide: int, depth: int, padding: int, width: int, threads: int) -> "Tile":
        """padding: behind each k of a PLAIN layout; 0 for the others."""
        by_k = kind in (COLUMNS, MODULES)
        layout = PLAIN if padding else BY_COLUMN if by_k else SWIZZLED
        ld = depth if layout == BY_COLUMN else wide + padding
        across = depth // width if by_k else _across(wide, depth, width, threads)
        step, strips = threads // across, 1 if by_k else -(-wide // (across * width))
        even = wide % step if by_k else depth % step or wide % (across * width)
        column_step = ld if layout == BY_COLUMN else 1
        return cls(
            kind, wide, depth, layout, ld, width, across, step, strips, column_step, even == 0
        )

    @property
    def size(self) -> int:
        """Values in shared memory."""
        return self.wide * self.depth if self.layout == BY_COLUMN else self.depth * self.ld

    @property
    def places(self) -> int:
        """Values that `start_tiles` keeps."""
        return max(2 * self.strips, 3)


def _across(wide, depth, width, threads):
    """Threads beside each other: as many as fit, but rather so that all copy equally much."""
    choices = [n for n in (32, 16, 8) if n * width <= wide or n == 8]
    even = [n for n in choices if wide % (n * width) == 0 and depth % (threads // n) == 0]
    fallback = next(n for n in (1, 2, 4, 8, 16, 32) if n >= min(32, wide // width))
    return even[0] if even else fallback


@inlined
def start_tiles(place, tile, sizes, group, start, k0, tid):
    """For tiles of columns from `start`, the first one of the k from k0."""
    if tile.kind == ROWS:
        _start_rows(place, tile, sizes, group, start, k0, tid)
    elif tile.kind == COLUMNS:
        _start_columns(place, tile, sizes, group, start, k0, tid)
    elif tile.kind == WINDOW:
        _start_window(place, tile, sizes, group, start, tid)
    else:
        _start_modules(place, tile, sizes, group, k0, tid)


@inlined
def load_tile(shared, at, tile, operand, sizes, taps, place, group, start, k0, last, tid):
    """Copy the thread's part of the tile of k0, of k below `last`, to shared[at:]."""
    if tile.kind == ROWS:
        _load_rows(shared, at, tile, operand, sizes, place, start, k0, last, tid)
    elif tile.kind == COLUMNS:
        _load_columns(shared, at, tile, operand, sizes, place, start, k0, last, tid)
    elif tile.kind == WINDOW:
        _load_window(shared, at, tile, operand, sizes, taps, place, k0, tid)
    else:
        _load_modules(shared, at, tile, operand, sizes, taps, place, group, start, k0, last, tid)


@inlined
def _copy(shared, at, tile, k, column, operand, i, inside):
    """The tile's values of (k, column) from operand[i], or zeros if not inside."""
    at = int32(at + 4 * spot(k, column, tile.layout, tile.ld))
    if tile.width == 4:
        copy_async(shared, at, operand, i, inside, 4)
    else:
        copy_async(shared, at, operand, i, inside, 1)


@inlined
def _copy_column(shared, at, tile, k, column, more, operand, i, inside):
    """As `_copy`, for `more` columns further; a constant more where neighbours stay neighbours."""
    if tile.step % 8 == 0:
        _copy(shared, at + 4 * more * tile.column_step, tile, k, column, operand, i, inside)
    else:
        _copy(shared, at, tile, k, column + more, operand, i, inside)


# -- rows and columns ------------------------------------------------------------------


@inlined
def _start_rows(place, tile, sizes, group, start, k0, tid):
    """place[0]: where the thread's first value is."""
    k, column = k0 + tid // tile.across, start + tid % tile.across * tile.width
    place[0] = int32(group * sizes[0] + k * sizes[2] + column)


@inlined
def _load_rows(shared, at, tile, operand, sizes, place, start, k0, last, tid):
    step = tile.step
    k, column = int32(tid // tile.across), int32(tid % tile.across * tile.width)
    columns, depth = int32(sizes[1] - start - column), int32(last - k0 - k)
    for j in range((tile.depth + step - 1) // step):
        for c in range(tile.strips):
            strip = c * tile.across * tile.width
            if tile.even or (k + j * step < tile.depth and column + strip < tile.wide):
                inside = strip < columns and j * step < depth
                i = int32(place[0] + strip + j * step * sizes[2])
                _copy(shared, at, tile, k + j * step, column + strip, operand, i, inside)
    place[0] = int32(place[0] + tile.depth * sizes[2])


@inlined
def _start_columns(place, tile, sizes, group, start, k0, tid):
    """place[0]: where the thread's first value is."""
    k, column = k0 + tid % tile.across * tile.width, start + tid // tile.across
    place[0] = int32(group * sizes[0] + column * sizes[2] + k)


@inlined
def _load_columns(shared, at, tile, operand, sizes, place, start, k0, last, tid):
    """Neighbouring threads read neighbouring values of k."""
    step = tile.step
    k, column = int32(tid % tile.across * tile.width), int32(tid // tile.across)
    columns, deep = int32(sizes[1] - start - column), k < int32(last - k0)
    for j in range((tile.wide + step - 1) // step):
        if tile.even or column + j * step < tile.wide:
            i = int32(place[0] + j * step * sizes[2])
            inside = deep and j * step < columns
            _copy_column(shared, at, tile, k, column, j * step, operand, i, inside)
    place[0] = int32(place[0] + tile.depth)


# -- windows of images -----------------------------------------------------------------


@inlined
def _inside(corner, tap, limit):
    """Whether a tap of the window at a corner is a pixel of the image.

    No sign of `pixel` and `limit - pixel` may be set.  A negative column borrows from its row; that
    does not matter, as the pixel is outside already.
    """
    pixel = int32(corner + tap)
    return int32(pixel | (limit - pixel)) & _SIGNS == 0


@inlined
def _divided(a, b):
    """Quotient and rest of numbers from 0 on, in 32 bits and without a branch."""
    quotient = int32(uint32(a) // uint32(b))
    return quotient, int32(a - quotient * b)


@inlined
def _start_window(place, tile, sizes, group, start, tid):
    """place: for each strip of the thread, where its window begins in the image, and its corner."""
    for c in range(tile.strips):
        column = int32(start + (tid % tile.across + c * tile.across) * tile.width)
        module, case = _divided(column, sizes[2])
        y, x = _divided(int32(group * sizes[8] + module), sizes[3])
        y, x = int32(y * sizes[5] - sizes[6]), int32(x * sizes[5] - sizes[6])
        place[2 * c] = int32(group * sizes[0] + (y * sizes[4] + x) * sizes[2] + case)
        place[2 * c + 1] = int32(y * 65536 + x) if column < sizes[1] else int32(NOWHERE)


@inlined
def _load_window(shared, at, tile, image, sizes, taps, place, k0, tid):
    """`taps` goes on to the end of the last tile with pixels that are nowhere."""
    step = tile.step
    k, column = int32(tid // tile.across), int32(tid % tile.across * tile.width)
    first = int32(2 * (k0 + k))
    for j in range((tile.depth + step - 1) // step):
        if tile.even or k + j * step < tile.depth:
            pixel, offset = load_pair(taps, first + 2 * j * step)
            for c in range(tile.strips):
                strip = c * tile.across * tile.width
                if tile.even or column + strip < tile.wide:
                    i = int32(place[2 * c] + offset)
                    inside = _inside(place[2 * c + 1], pixel, sizes[7])
                    _copy(shared, at, tile, k + j * step, column + strip, image, i, inside)


@inlined
def _start_modules(place, tile, sizes, group, k0, tid):
    """place: case, and row and column among the modules, of the thread's k."""
    module, place[0] = _divided(int32(k0 + tid % tile.across * tile.width), sizes[2])
    place[1], place[2] = _divided(int32(group * sizes[8] + module), sizes[3])


@inlined
def _load_modules(shared, at, tile, image, sizes, taps, place, group, start, k0, last, tid):
    step = tile.step
    k, column = int32(tid % tile.across * tile.width), int32(tid // tile.across)
    y, x = int32(place[1] * sizes[5] - sizes[6]), int32(place[2] * sizes[5] - sizes[6])
    base = int32(group * sizes[0] + (y * sizes[4] + x) * sizes[2] + place[0])
    corner = int32(y * 65536 + x) if k < int32(last - k0) else int32(NOWHERE)
    first = int32(2 * (start + column))
    for j in range((tile.wide + step - 1) // step):
        if tile.even or column + j * step < tile.wide:
            pixel, offset = load_pair(taps, first + 2 * j * step)
            inside = _inside(corner, pixel, sizes[7])
            i = int32(base + offset)
            _copy_column(shared, at, tile, k, column, j * step, image, i, inside)
    _next_module(place, sizes)


@inlined
def _next_module(place, sizes):
    """Move the place of a k on to the next tile."""
    case, x = int32(place[0] + sizes[11]), int32(place[2] + sizes[10])
    if case >= sizes[2]:
        case, x = int32(case - sizes[2]), int32(x + 1)
    y = int32(place[1] + sizes[9])
    if x >= sizes[3]:
        x, y = int32(x - sizes[3]), int32(y + 1)
    place[0], place[1], place[2] = case, y, x
