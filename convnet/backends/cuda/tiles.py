"""How tiles of an operand of a product come to shared memory.

A product is C(m, n) = sum over k of A(k, m) B(k, n).  A tile is `wide` columns (m or n) from
`start` and `depth` values of k; it lies in shared memory, k as rows, `ld` apart.  What is beyond
the operand's columns or the last k becomes zero.  How an operand lies in memory is its kind:

* ROWS: k outermost, its columns neighbours: operand[k * stride + column];
* COLUMNS: the values of k are neighbours: operand[column * stride + k];
* WINDOW: columns are (module, case) and k are taps (channel, row, column) of the window of an image
  (C, H, W, N) that the module reads; pixels outside the image are zero;
* MODULES: the other way: k are (module, case), columns are taps.

`sizes` are eight int32: (group, columns, stride) for ROWS and COLUMNS, (group, columns, cases,
modules in a row, height, width, stride, padding) for the others, group: how far one group's values
are from the next one's.  A tap is packed as channel << 16 | row << 8 | column, -1 beyond the last.

`start_tiles` puts into `place`, a local array, what a thread would else compute for each tile, and
`load_tile` copies one tile and moves `place` to the next.  Registers are dear here: numbers are 32
bits, and addresses are sums with what is the same for all threads.
"""

from typing import NamedTuple

from .compiling import inlined, int32, uint32
from .lowlevel import copy_async

ROWS, COLUMNS, WINDOW, MODULES = range(4)
MOST_CHANNELS, MOST_TAPS = 1 << 15, 1 << 8  # of a packed tap
_NOWHERE = -(1 << 20)  # a row far outside every image


class Tile(NamedTuple):
    """How tiles of an operand are copied: constants of a kernel.

    width: values a copy, 4 or 1.  across: threads beside each other that copy the columns of ROWS
    or WINDOW, a power of two.  strips: copies next to each other that such a thread makes.
    """

    kind: int
    wide: int
    depth: int
    ld: int
    width: int
    threads: int
    across: int
    strips: int

    @classmethod
    def of(cls, kind: int, wide: int, depth: int, ld: int, width: int, threads: int) -> "Tile":
        across = 1
        while across < min(32, wide // width):
            across *= 2
        return cls(kind, wide, depth, ld, width, threads, across, -(-wide // (across * width)))

    @property
    def places(self) -> int:
        """Values that `start_tiles` keeps."""
        return max(3 * self.strips, 3 * self.depth // 8)


@inlined
def start_tiles(place, tile, sizes, group, start, k0, tid):
    """For tiles of columns from `start`, the first one of the k from k0."""
    if tile.kind == ROWS:
        _start_rows(place, tile, sizes, group, start, k0, tid)
    elif tile.kind == COLUMNS:
        _start_columns(place, sizes, group, start, k0, tid)
    elif tile.kind == WINDOW:
        _start_window(place, tile, sizes, group, start, tid)
    else:
        _start_modules(place, tile, sizes, k0, tid)


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
def _copy(shared, s, operand, i, inside, width):
    """`width` values from operand[i] to shared[s], or zeros."""
    if width == 4:
        copy_async(shared, s, operand, i, 4 if inside else 0, 4)
    else:
        copy_async(shared, s, operand, i, 1 if inside else 0, 1)


# -- rows and columns ------------------------------------------------------------------


@inlined
def _start_rows(place, tile, sizes, group, start, k0, tid):
    """place[0]: where the thread's first value is."""
    k, column = k0 + tid // tile.across, start + tid % tile.across * tile.width
    place[0] = int32(group * sizes[0] + k * sizes[2] + column)


@inlined
def _load_rows(shared, at, tile, operand, sizes, place, start, k0, last, tid):
    step = tile.threads // tile.across
    k, column = int32(tid // tile.across), int32(tid % tile.across * tile.width)
    left = int32(sizes[1] - start - column)
    for j in range((tile.depth + step - 1) // step):
        for c in range(tile.strips):
            strip = c * tile.across * tile.width
            if k + j * step < tile.depth and column + strip < tile.wide:
                inside = strip < left and k0 + k + j * step < last
                i = int32(place[0] + strip + j * step * sizes[2])
                s = at + (k + j * step) * tile.ld + column + strip
                _copy(shared, s, operand, i, inside, tile.width)
    place[0] = int32(place[0] + tile.depth * sizes[2])


@inlined
def _start_columns(place, sizes, group, start, k0, tid):
    """place[0]: where the thread's first value is."""
    place[0] = int32(group * sizes[0] + (start + tid // 8) * sizes[2] + k0 + tid % 8)


@inlined
def _load_columns(shared, at, tile, operand, sizes, place, start, k0, last, tid):
    """Eight threads read neighbouring values of k."""
    step = tile.threads // 8
    k, column = int32(tid % 8), int32(tid // 8)
    left = int32(sizes[1] - start - column)
    for h in range(tile.depth // 8):
        for j in range((tile.wide + step - 1) // step):
            if column + j * step < tile.wide:
                inside = j * step < left and k0 + k + 8 * h < last
                i = int32(place[0] + 8 * h + j * step * sizes[2])
                s = at + (k + 8 * h) * tile.ld + column + j * step
                _copy(shared, s, operand, i, inside, 1)
    place[0] = int32(place[0] + tile.depth)


# -- windows of images -----------------------------------------------------------------


@inlined
def _copy_tap(shared, s, image, base, tap, y0, x0, sizes, width):
    """`width` cases of the pixel that a tap meets in the window at (y0, x0), or zeros."""
    y = int32(y0 + (tap >> 8 & 255))
    x = int32(x0 + (tap & 255))
    inside = tap >= 0 and uint32(y) < uint32(sizes[4]) and uint32(x) < uint32(sizes[5])
    pixel = int32(int32(int32(tap >> 16) * sizes[4] + y) * sizes[5] + x)
    _copy(shared, s, image, int32(pixel * sizes[2] + base), inside, width)


@inlined
def _start_window(place, tile, sizes, group, start, tid):
    """place: for each strip of the thread, where its case begins and its window's corner."""
    for c in range(tile.strips):
        column = int32(start + (tid % tile.across + c * tile.across) * tile.width)
        module, case = int32(column // sizes[2]), int32(column % sizes[2])
        place[3 * c] = int32(group * sizes[0] + case)
        place[3 * c + 1] = int32(module // sizes[3] * sizes[6] - sizes[7])
        place[3 * c + 2] = int32(module % sizes[3] * sizes[6] - sizes[7])
        if column >= sizes[1]:
            place[3 * c + 1] = _NOWHERE


@inlined
def _load_window(shared, at, tile, image, sizes, taps, place, k0, tid):
    """`taps` has entries of -1 up to the end of the last tile."""
    step = tile.threads // tile.across
    k, column = int32(tid // tile.across), int32(tid % tile.across * tile.width)
    for j in range((tile.depth + step - 1) // step):
        if k + j * step < tile.depth:
            tap = taps[uint32(k0 + k + j * step)]
            for c in range(tile.strips):
                strip = c * tile.across * tile.width
                if column + strip < tile.wide:
                    s = at + (k + j * step) * tile.ld + column + strip
                    y0, x0 = place[3 * c + 1], place[3 * c + 2]
                    _copy_tap(shared, s, image, place[3 * c], tap, y0, x0, sizes, tile.width)


@inlined
def _start_modules(place, tile, sizes, k0, tid):
    """place: case, and row and column among the modules, of each k of the thread."""
    for h in range(tile.depth // 8):
        k = int32(k0 + tid % 8 + 8 * h)
        module = int32(k // sizes[2])
        place[3 * h] = int32(k % sizes[2])
        place[3 * h + 1] = int32(module // sizes[3])
        place[3 * h + 2] = int32(module % sizes[3])


@inlined
def _load_modules(shared, at, tile, image, sizes, taps, place, group, start, k0, last, tid):
    step = tile.threads // 8
    k, column = int32(tid % 8), int32(tid // 8)
    for h in range(tile.depth // 8):
        y0 = int32(place[3 * h + 1] * sizes[6] - sizes[7])
        if k0 + k + 8 * h >= last:
            y0 = int32(_NOWHERE)
        x0 = int32(place[3 * h + 2] * sizes[6] - sizes[7])
        base = int32(group * sizes[0] + place[3 * h])
        for j in range((tile.wide + step - 1) // step):
            if column + j * step < tile.wide:
                s = at + (k + 8 * h) * tile.ld + column + j * step
                tap = taps[uint32(start + column + j * step)]
                _copy_tap(shared, s, image, base, tap, y0, x0, sizes, 1)
        _next_module(place, 3 * h, tile.depth, sizes)


@inlined
def _next_module(place, i, depth, sizes):
    """Move the place of a k, at place[i:], on by `depth`."""
    case, x = int32(place[i] + depth), place[i + 2]
    while case >= sizes[2]:
        case = int32(case - sizes[2])
        x = int32(x + 1)
        if x == sizes[3]:
            x = int32(0)
            place[i + 1] = int32(place[i + 1] + 1)
    place[i], place[i + 2] = case, x
