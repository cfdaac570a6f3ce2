"""Gathering the pixels under filter windows into the rows of a matrix (the right-hand operand).

The outputs of a convolution, (position y, position x, case) flattened, are the columns; the taps
(channel, filter row r, filter column s) are the rows.  A tile of columns is described by `pieces`,
runs of columns whose pixels are contiguous in the image for every tap.  One line of the table is

    first column in the tile, length, image row under r = 0, place in the image row under s = 0

where a place is pixel * cases + case, and may lie outside the image: those columns are zero.
"""

from convnet.backends.cpu.jit import piece
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    address,
    copy_block,
    copy_bytes,
    zero_bytes,
)

PIECE = 4  # numbers in a line of the table


@piece
def list_pieces(table, first, count, columns_x, cases, stride, padding):
    """Fill `table` for columns [first, first + count); returns the number of pieces.

    `columns_x` is the number of positions in a row of outputs.
    """
    pieces, done = 0, 0
    while done < count:
        position = (first + done) // cases
        case = first + done - position * cases
        y = position // columns_x
        x = position - y * columns_x
        length = cases - case
        if stride == 1:  # neighbouring positions read neighbouring pixels
            length += (columns_x - x - 1) * cases
        length = min(length, count - done)
        table[pieces, 0] = done
        table[pieces, 1] = length
        table[pieces, 2] = y * stride - padding
        table[pieces, 3] = (x * stride - padding) * cases + case
        pieces += 1
        done += length
    return pieces


@piece
def taps_inside(table, pieces, image, size):
    """Filter rows and columns (r0, r1, s0, s1) beyond which no piece meets the image."""
    height, row_length, cases = image.shape[1], image.shape[2] * image.shape[3], image.shape[3]
    r0, r1, s0, s1 = size, 0, size, 0
    for i in range(pieces):
        y, place, length = table[i, 2], table[i, 3], table[i, 1]
        r0 = min(r0, max(0, -y))
        r1 = max(r1, min(size, height - y))
        s0 = min(s0, max(0, (-length - place) // cases + 1))
        s1 = max(s1, min(size, -((place - row_length) // cases)))
    return r0, r1, s0, s1


@piece
def shrink(bounds, start, stop, channels, size):
    """Drop taps (order r, s, channel) outside `bounds` from both ends; these may cross."""
    r0, r1, s0, s1 = bounds
    while start < stop:
        r, s = divmod(start // channels, size)
        if r0 <= r < r1 and s0 <= s < s1:
            break
        start = (r * size + s + 1) * channels
    while start < stop:
        r, s = divmod((stop - 1) // channels, size)
        if r0 <= r < r1 and s0 <= s < s1:
            break
        stop = (r * size + s) * channels
    return start, stop


@piece
def _copy_rows(source, step, target, pitch, rows, first, length, segment, panel):
    """Copy `rows` rows of `length` bytes to column byte `first` (see `gather` for the rest)."""
    if segment == BLOCK_BYTES and first % segment == 0 and length % segment == 0:
        target += first // segment * panel
        for i in range(rows):
            for j in range(length // segment):
                copy_block(target + i * pitch + j * panel, source + i * step + j * BLOCK_BYTES)
        return
    while length > 0:
        count = min(length, segment - first % segment)
        to = target + first // segment * panel + first % segment
        for i in range(rows):
            copy_bytes(to + i * pitch, source + i * step, count)
        first, source, length = first + count, source + count, length - count


@piece
def _zero_rows(target, pitch, rows, first, length, segment, panel):
    while length > 0:
        count = min(length, segment - first % segment)
        to = target + first // segment * panel + first % segment
        for i in range(rows):
            zero_bytes(to + i * pitch, count)
        first, length = first + count, length - count


@piece
def gather_channels(
    image, channel, channels, table, pieces, r, s, target, pitch, segment, panel
):  # fmt: skip
    """Write one filter pixel's taps, a row for each of `channels` (see `gather`); bytes."""
    height, row_length, cases = image.shape[1], image.shape[2] * image.shape[3], image.shape[3]
    item, step = image.itemsize, height * row_length * image.itemsize
    for i in range(pieces):
        first, length = table[i, 0], table[i, 1]
        y, place = table[i, 2] + r, table[i, 3] + s * cases
        low, high = 0, 0
        if 0 <= y < height:
            low = min(max(-place, 0), length)
            high = max(min(row_length - place, length), low)
        zeros = low if low < high else length
        _zero_rows(target, pitch, channels, first * item, zeros * item, segment, panel)
        if low < high:
            source = (channel * height + y) * row_length + place + low
            source = address(image) + source * item
            _copy_rows(
                source, step, target, pitch, channels, (first + low) * item, (high - low) * item,
                segment, panel,
            )  # fmt: skip
            _zero_rows(
                target, pitch, channels, (first + high) * item, (length - high) * item,
                segment, panel,
            )  # fmt: skip


@piece
def gather(image, channel, channels, table, pieces, size, start, stop, target, layout):
    """Write taps [start, stop), order (r, s, channel), to rows at `target`.

    `image` is (all channels, H, W, N); the window sees `channels` of them from `channel` on.
    layout = (pitch, segment, panel), in scalars: rows lie `pitch` apart; each `segment` of columns
    goes to a panel of its own, `panel` apart.
    """
    item = image.itemsize
    pitch, segment, panel = layout[0] * item, layout[1] * item, layout[2] * item
    while start < stop:
        place, c = start // channels, start % channels
        run = min(channels - c, stop - start)
        gather_channels(
            image, channel + c, run, table, pieces, place // size, place % size,
            target, pitch, segment, panel,
        )  # fmt: skip
        target += run * pitch
        start += run
