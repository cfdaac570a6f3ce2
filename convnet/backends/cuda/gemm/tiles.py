"""Device functions that copy tiles of a product's operands to shared memory.

A product is C(m, n) = sum over k of A(k, m) B(k, n).  A tile has `columns` columns (m or n) from
`start` and `depth` values of k.  Values beyond the operand's columns or the last k become zero.
The kind of an operand is its layout in memory:

* ROWS: columns are contiguous: operand[k * stride + column];
* COLUMNS: values of k are contiguous: operand[column * stride + k];
* WINDOW: columns are (module, case) and k are taps (channel, row, column) of the window of an image
  (C, H, W, N) that the module reads; pixels outside the image are zero;
* MODULES: the transpose of WINDOW: k are (module, case), columns are taps.

`sizes` are twelve int32: (group, columns, stride) for ROWS and COLUMNS; (group, columns, cases,
modules in a row, width, stride, padding, limit, modules) for WINDOW and MODULES, and for MODULES
then the distance from one tile's k to the next one's as (rows of modules, modules, cases).  group:
the distance between the values of neighboring groups; modules: the distance between their windows,
in modules.

Pixels are packed as row << 16 | column, both signed.  `limit` is the last pixel of the image.
`taps` has two numbers for each tap: its pixel, and the distance of its value from the window's
corner.

`start_tiles` stores in `place`, a local array, what a thread would otherwise compute for each tile;
`load_tile` copies one tile and advances `place` to the next.  Tiles in bf16 it reads into `held`, a
local array, from which `round_tile` writes them to shared memory.  Registers are scarce here:
numbers have 32 bits, and addresses are sums with terms that are equal for all threads.
"""

from convnet.backends.cuda.gemm.tile import COLUMNS, ROWS, WINDOW
from convnet.backends.cuda.jit import device_function, int32, uint32
from convnet.backends.cuda.ptx.intrinsics import copy_async, fetch_values, load_pair, round_values
from convnet.backends.cuda.ptx.warp_tiles import device_place_of

MOST_SIDE = 1 << 12  # of images, filters and padding, so that a pixel can be packed
NOWHERE = -(1 << 29)  # a pixel above every image, also with a filter's tap added
_SIGNS = -0x7FFF8000  # of a packed row and column


@device_function
def start_tiles(place, tile, sizes, group, start, k0, tid):
    """Prepare `place` for tiles of the columns from `start`, the first of them from k0 on."""
    if tile.kind == ROWS:
        _start_rows(place, tile, sizes, group, start, k0, tid)
    elif tile.kind == COLUMNS:
        _start_columns(place, tile, sizes, group, start, k0, tid)
    elif tile.kind == WINDOW:
        _start_window(place, tile, sizes, group, start, tid)
    else:
        _start_modules(place, tile, sizes, group, k0, tid)


@device_function
def load_tile(held, shared, at, tile, operand, sizes, taps, place, group, start, k0, last, tid):
    """Start copying the thread's part of the tile from k0 on to shared[at:]; k ends at `last`.

    Or to `held`, if the tile's values are rounded on their way.
    """
    if tile.kind == ROWS:
        _load_rows(held, shared, at, tile, operand, sizes, place, start, k0, last, tid)
    elif tile.kind == COLUMNS:
        _load_columns(held, shared, at, tile, operand, sizes, place, start, k0, last, tid)
    elif tile.kind == WINDOW:
        _load_window(held, shared, at, tile, operand, sizes, taps, place, k0, tid)
    else:
        _load_modules(
            held, shared, at, tile, operand, sizes, taps, place, group, start, k0, last, tid
        )


@device_function
def round_tile(shared, at, tile, held, tid):
    """Round the thread's part of a tile, which it holds, and write it to shared[at:].

    Both layouts are rows, of values of k or of columns; a thread's rows are `step` apart.
    """
    row, along = _own_row(tile, tid), int32(tid % tile.across * tile.width)
    first = int32(at + 2 * (row * tile.ld + along))
    for j in range((tile.rows + tile.step - 1) // tile.step):
        for c in range(tile.strips):
            strip = c * tile.across * tile.width
            if tile.even or (row + j * tile.step < tile.rows and along + strip < tile.length):
                to = int32(first + 2 * (j * tile.step * tile.ld + strip))
                if tile.width == 4:
                    round_values(shared, to, held, (j * tile.strips + c) * 4, 4)
                else:
                    round_values(shared, to, held, j * tile.strips + c, 1)


@device_function
def _own_row(tile, tid):
    """Return the thread's first row of the tile.

    Threads that write together, half a warp, take rows whose places in shared memory lie in
    different banks.
    """
    row = int32(tid // tile.across)
    if tile.spread > 1:
        within = row % 8
        row = int32(
            row - within + within % tile.spread * (8 // tile.spread) + within // tile.spread
        )
    return row


@device_function
def _copy(held, number, shared, at, tile, k, column, operand, i, inside):
    """Copy operand[i] to (k, column) of the tile, `tile.width` values, or zeros if not inside.

    Where values are held, these are the thread's `number`th ones.
    """
    if tile.held:
        if tile.width == 4:
            fetch_values(held, 4 * number, operand, i, inside, 4)
        else:
            fetch_values(held, number, operand, i, inside, 1)
    else:
        at = int32(at + 4 * device_place_of(k, column, tile.layout, tile.ld))
        if tile.width == 4:
            copy_async(shared, at, operand, i, inside, 4)
        else:
            copy_async(shared, at, operand, i, inside, 1)


@device_function
def _copy_column(held, number, shared, at, tile, k, column, more, operand, i, inside):
    """Copy as `_copy` to the column `more` further.

    Where the layout keeps the distance of such columns, the address is only a constant larger.
    """
    if tile.step % 8 == 0:
        to = at + 4 * more * tile.column_step
        _copy(held, number, shared, to, tile, k, column, operand, i, inside)
    else:
        _copy(held, number, shared, at, tile, k, column + more, operand, i, inside)


# -- rows and columns ------------------------------------------------------------------


@device_function
def _start_rows(place, tile, sizes, group, start, k0, tid):
    """place[0]: the index of the thread's first value."""
    k, column = k0 + _own_row(tile, tid), start + tid % tile.across * tile.width
    place[0] = int32(group * sizes[0] + k * sizes[2] + column)


@device_function
def _load_rows(held, shared, at, tile, operand, sizes, place, start, k0, last, tid):
    step = tile.step
    k, column = _own_row(tile, tid), int32(tid % tile.across * tile.width)
    columns, depth = int32(sizes[1] - start - column), int32(last - k0 - k)
    for j in range((tile.depth + step - 1) // step):
        for c in range(tile.strips):
            strip = c * tile.across * tile.width
            if tile.even or (k + j * step < tile.depth and column + strip < tile.columns):
                inside = strip < columns and j * step < depth
                i = int32(place[0] + strip + j * step * sizes[2])
                number = j * tile.strips + c
                _copy(
                    held, number, shared, at, tile, k + j * step, column + strip, operand, i, inside
                )
    place[0] = int32(place[0] + tile.depth * sizes[2])


@device_function
def _start_columns(place, tile, sizes, group, start, k0, tid):
    """place[0]: the index of the thread's first value."""
    k, column = k0 + tid % tile.across * tile.width, start + _own_row(tile, tid)
    place[0] = int32(group * sizes[0] + column * sizes[2] + k)


@device_function
def _load_columns(held, shared, at, tile, operand, sizes, place, start, k0, last, tid):
    """Neighboring threads read neighboring values of k."""
    step = tile.step
    k, column = int32(tid % tile.across * tile.width), _own_row(tile, tid)
    columns, in_depth = int32(sizes[1] - start - column), k < int32(last - k0)
    for j in range((tile.columns + step - 1) // step):
        if tile.even or column + j * step < tile.columns:
            i = int32(place[0] + j * step * sizes[2])
            inside = in_depth and j * step < columns
            _copy_column(held, j, shared, at, tile, k, column, j * step, operand, i, inside)
    place[0] = int32(place[0] + tile.depth)


# -- windows of images -----------------------------------------------------------------


@device_function
def _inside(corner, tap, limit):
    """Whether a tap of the window at a corner is a pixel of the image.

    It is one if no sign bit of `pixel` and `limit - pixel` is set.  A negative column borrows from
    its row, which does no harm: the pixel is outside already.
    """
    pixel = int32(corner + tap)
    return int32(pixel | (limit - pixel)) & _SIGNS == 0


@device_function
def _divmod(a, b):
    """Quotient and remainder of numbers from 0 on, in 32 bits and without a branch."""
    quotient = int32(uint32(a) // uint32(b))
    return quotient, int32(a - quotient * b)


@device_function
def _start_window(place, tile, sizes, group, start, tid):
    """place: for each strip of the thread, the index of its window's corner, and that pixel."""
    for c in range(tile.strips):
        column = int32(start + (tid % tile.across + c * tile.across) * tile.width)
        module, case = _divmod(column, sizes[2])
        y, x = _divmod(int32(group * sizes[8] + module), sizes[3])
        y, x = int32(y * sizes[5] - sizes[6]), int32(x * sizes[5] - sizes[6])
        place[2 * c] = int32(group * sizes[0] + (y * sizes[4] + x) * sizes[2] + case)
        place[2 * c + 1] = int32(y * 65536 + x) if column < sizes[1] else int32(NOWHERE)


@device_function
def _load_window(held, shared, at, tile, image, sizes, taps, place, k0, tid):
    """`taps` is padded to the end of the last tile with pixels outside every image."""
    step = tile.step
    k, column = _own_row(tile, tid), int32(tid % tile.across * tile.width)
    first = int32(2 * (k0 + k))
    for j in range((tile.depth + step - 1) // step):
        if tile.even or k + j * step < tile.depth:
            pixel, offset = load_pair(taps, first + 2 * j * step)
            for c in range(tile.strips):
                strip = c * tile.across * tile.width
                if tile.even or column + strip < tile.columns:
                    i = int32(place[2 * c] + offset)
                    inside = _inside(place[2 * c + 1], pixel, sizes[7])
                    number = j * tile.strips + c
                    row = k + j * step
                    _copy(held, number, shared, at, tile, row, column + strip, image, i, inside)


@device_function
def _start_modules(place, tile, sizes, group, k0, tid):
    """place: the case of the thread's k, and its module's row and column."""
    module, place[0] = _divmod(int32(k0 + tid % tile.across * tile.width), sizes[2])
    place[1], place[2] = _divmod(int32(group * sizes[8] + module), sizes[3])


@device_function
def _load_modules(held, shared, at, tile, image, sizes, taps, place, group, start, k0, last, tid):
    step = tile.step
    k, column = int32(tid % tile.across * tile.width), _own_row(tile, tid)
    y, x = int32(place[1] * sizes[5] - sizes[6]), int32(place[2] * sizes[5] - sizes[6])
    base = int32(group * sizes[0] + (y * sizes[4] + x) * sizes[2] + place[0])
    corner = int32(y * 65536 + x) if k < int32(last - k0) else int32(NOWHERE)
    first = int32(2 * (start + column))
    for j in range((tile.columns + step - 1) // step):
        if tile.even or column + j * step < tile.columns:
            pixel, offset = load_pair(taps, first + 2 * j * step)
            inside = _inside(corner, pixel, sizes[7])
            i = int32(base + offset)
            _copy_column(held, j, shared, at, tile, k, column, j * step, image, i, inside)
    _next_module(place, sizes)


@device_function
def _next_module(place, sizes):
    """Advance the place of a k to the next tile."""
    case, x = int32(place[0] + sizes[11]), int32(place[2] + sizes[10])
    if case >= sizes[2]:
        case, x = int32(case - sizes[2]), int32(x + 1)
    y = int32(place[1] + sizes[9])
    if x >= sizes[3]:
        x, y = int32(x - sizes[3]), int32(y + 1)
    place[0], place[1], place[2] = case, y, x
