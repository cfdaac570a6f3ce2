"""How tiles of an operand of a product come to shared memory.

A product is C(m, n) = sum over k of A(k, m) B(k, n).  A tile is `wide` columns (m or n) from
`start` and `depth` values of k; it lies in shared memory, k as rows, `ld` apart.  What is beyond
the operand's columns or the last k becomes zero.  How an operand lies in memory is its kind:

* ROWS: k outermost, its columns neighbours: operand[k * stride + column];
* COLUMNS: the values of k are neighbours: operand[column * stride + k];
* WINDOW: columns are (module, case) and k are taps (channel, row, column) of the window of an image
  (C, H, W, N) that the module reads; pixels outside the image are zero;
* MODULES: the other way: k are (module, case), columns are taps.

`sizes` are int32: (group, columns, stride) for ROWS and COLUMNS, (group, columns, cases, modules in
a row, height, width, stride, padding) for the others, group: how far one group's values are from
the next one's.  A tap is packed as channel << 16 | row << 8 | column, -1 beyond the last.

`start_` functions put into `place`, a local array, what a thread would else compute for each tile
again; `load_` functions copy one tile and move `place` to the next.  Registers are dear here:
numbers are 32 bits, and addresses are sums with what is the same for all threads.
"""

from .compiling import inlined, int32, uint32
from .lowlevel import copy_async

ROWS, COLUMNS, WINDOW, MODULES = range(4)
MOST_CHANNELS, MOST_TAPS = 1 << 15, 1 << 8  # of a packed tap
_NOWHERE = -(1 << 20)  # a row far outside every image


def lanes_across(wide: int, width: int) -> int:
    """Threads that copy neighbouring columns of ROWS or WINDOW, `width` each: a power of two."""
    across = 1
    while across < min(32, wide // width):
        across *= 2
    return across


def strips(wide: int, width: int) -> int:
    """Copies next to each other that such a thread makes."""
    return -(-wide // (lanes_across(wide, width) * width))


# -- rows and columns ------------------------------------------------------------------


@inlined
def start_rows(place, sizes, group, start, k0, tid, width, across):
    """place[0]: where the thread's first value is."""
    k, column = k0 + tid // across, start + tid % across * width
    place[0] = int32(group * sizes[0] + k * sizes[2] + column)


@inlined
def load_rows(
    shared, at, ld, operand, sizes, place, start, k0, last, tid,
    wide, depth, width, threads, across, count,
):  # fmt: skip
    """Values k0 to k0 + depth of ROWS, in `count` strips."""
    step = threads // across
    k, column = int32(tid // across), int32(tid % across * width)
    left = int32(sizes[1] - start - column)
    for j in range((depth + step - 1) // step):
        for c in range(count):
            strip = c * across * width
            if k + j * step < depth and column + strip < wide:
                inside = width if strip < left and k0 + k + j * step < last else 0
                i = int32(place[0] + strip + j * step * sizes[2])
                copy_async(
                    shared, at + (k + j * step) * ld + column + strip, operand, i, inside, width
                )
    place[0] = int32(place[0] + depth * sizes[2])


@inlined
def start_columns(place, sizes, group, start, k0, tid):
    """place[0]: where the thread's first value is."""
    place[0] = int32(group * sizes[0] + (start + tid // 8) * sizes[2] + k0 + tid % 8)


@inlined
def load_columns(shared, at, ld, operand, sizes, place, start, k0, last, tid, wide, depth, threads):
    """Values k0 to k0 + depth of COLUMNS: eight threads read neighbouring values of k."""
    step = threads // 8
    k, column = int32(tid % 8), int32(tid // 8)
    left = int32(sizes[1] - start - column)
    for h in range(depth // 8):
        for j in range((wide + step - 1) // step):
            if column + j * step < wide:
                inside = 1 if j * step < left and k0 + k + 8 * h < last else 0
                i = int32(place[0] + 8 * h + j * step * sizes[2])
                copy_async(shared, at + (k + 8 * h) * ld + column + j * step, operand, i, inside, 1)
    place[0] = int32(place[0] + depth)


# -- windows of images -----------------------------------------------------------------


@inlined
def _copy_tap(shared, s, image, base, tap, y0, x0, cases, height, row, width):
    """`width` cases of the pixel that a tap meets in the window at (y0, x0), or zeros."""
    y = int32(y0 + (tap >> 8 & 255))
    x = int32(x0 + (tap & 255))
    inside = tap >= 0 and uint32(y) < uint32(height) and uint32(x) < uint32(row)
    pixel = int32(int32(int32(tap >> 16) * height + y) * row + x)
    copy_async(shared, s, image, int32(pixel * cases + base), width if inside else 0, width)


@inlined
def start_window(place, sizes, group, start, tid, width, across, count):
    """place: for each strip of the thread, where its case begins and its window's corner."""
    for c in range(count):
        column = int32(start + (tid % across + c * across) * width)
        module, case = int32(column // sizes[2]), int32(column % sizes[2])
        place[3 * c] = int32(group * sizes[0] + case)
        place[3 * c + 1] = int32(module // sizes[3] * sizes[6] - sizes[7])
        place[3 * c + 2] = int32(module % sizes[3] * sizes[6] - sizes[7])
        if column >= sizes[1]:
            place[3 * c + 1] = _NOWHERE


@inlined
def load_window(
    shared, at, ld, image, sizes, place, taps, k0, tid,
    wide, depth, width, threads, across, count,
):  # fmt: skip
    """Taps k0 to k0 + depth of WINDOW; `taps` has entries of -1 up to the end of the last tile."""
    step = threads // across
    k, column = int32(tid // across), int32(tid % across * width)
    for j in range((depth + step - 1) // step):
        if k + j * step < depth:
            tap = taps[uint32(k0 + k + j * step)]
            for c in range(count):
                strip = c * across * width
                if column + strip < wide:
                    s = at + (k + j * step) * ld + column + strip
                    _copy_tap(
                        shared, s, image, place[3 * c], tap, place[3 * c + 1], place[3 * c + 2],
                        sizes[2], sizes[4], sizes[5], width,
                    )  # fmt: skip


@inlined
def start_modules(place, sizes, k0, tid, depth):
    """place: case, and row and column among the modules, of each k of the thread."""
    for h in range(depth // 8):
        k = int32(k0 + tid % 8 + 8 * h)
        module = int32(k // sizes[2])
        place[3 * h] = int32(k % sizes[2])
        place[3 * h + 1] = int32(module // sizes[3])
        place[3 * h + 2] = int32(module % sizes[3])


@inlined
def load_modules(
    shared, at, ld, image, sizes, group, place, taps, start, k0, last, tid, wide, depth, threads
):
    """Values k0 to k0 + depth of MODULES."""
    step = threads // 8
    k, column = int32(tid % 8), int32(tid // 8)
    for h in range(depth // 8):
        y0 = int32(place[3 * h + 1] * sizes[6] - sizes[7])
        if k0 + k + 8 * h >= last:
            y0 = int32(_NOWHERE)
        x0 = int32(place[3 * h + 2] * sizes[6] - sizes[7])
        base = int32(group * sizes[0] + place[3 * h])
        for j in range((wide + step - 1) // step):
            if column + j * step < wide:
                s = at + (k + 8 * h) * ld + column + j * step
                tap = taps[uint32(start + column + j * step)]
                _copy_tap(shared, s, image, base, tap, y0, x0, sizes[2], sizes[4], sizes[5], 1)
        case, x = int32(place[3 * h] + depth), place[3 * h + 2]
        while case >= sizes[2]:
            case = int32(case - sizes[2])
            x = int32(x + 1)
            if x == sizes[3]:
                x = int32(0)
                place[3 * h + 1] = int32(place[3 * h + 1] + 1)
        place[3 * h], place[3 * h + 2] = case, x
