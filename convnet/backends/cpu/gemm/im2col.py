"""im2col: gather the pixels under filter windows into the rows of a matrix, tile by tile.

The columns of the matrix are the outputs of a convolution, (position y, position x, case)
flattened.  The rows are its taps: (channel, filter row r, filter column s).  A tile of columns is
split into runs, whose pixels are contiguous in the image for every tap.  A row of a table describes
a run:

    first column in the tile, length, image row under r = 0, place in the image row under s = 0

where a place is pixel * cases + case.  Rows and places may lie outside the image: there the matrix
is zero.
"""

from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    address,
    copy_block,
    copy_run,
    zero_run,
)

RUN_FIELDS = 4  # numbers of a run in the table


@helper
def list_runs(table, first, count, columns_x, cases, stride, padding):
    """Fill `table` with the runs of columns [first, first + count); return the number of runs.

    columns_x: positions in a row of outputs.
    """
    runs, done = 0, 0
    while done < count:
        position = (first + done) // cases
        case = first + done - position * cases
        y = position // columns_x
        x = position - y * columns_x
        length = cases - case
        if stride == 1:  # neighboring positions read neighboring pixels
            length += (columns_x - x - 1) * cases
        length = min(length, count - done)
        table[runs, 0] = done
        table[runs, 1] = length
        table[runs, 2] = y * stride - padding
        table[runs, 3] = (x * stride - padding) * cases + case
        runs += 1
        done += length
    return runs


@helper
def taps_inside(table, runs, image, size):
    """Return the filter rows [r0, r1) and columns [s0, s1) in which some run meets the image."""
    height, row_length, cases = image.shape[1], image.shape[2] * image.shape[3], image.shape[3]
    r0, r1, s0, s1 = size, 0, size, 0
    for i in range(runs):
        y, place, length = table[i, 2], table[i, 3], table[i, 1]
        r0 = min(r0, max(0, -y))
        r1 = max(r1, min(size, height - y))
        s0 = min(s0, max(0, (-length - place) // cases + 1))
        s1 = max(s1, min(size, -((place - row_length) // cases)))
    return r0, r1, s0, s1


@helper
def shrink(bounds, start, stop, channels, size):
    """Drop taps outside `bounds` from both ends of [start, stop), in the order (r, s, channel).

    Return the new range; it is empty if start >= stop.
    """
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


@helper
def _copy_rows(source, step, target, pitch, rows, first, length, segment, panel):
    """Copy `rows` rows of `length` bytes, `step` apart, to byte `first` of the rows at `target`.

    pitch, segment, panel: see `gather`; in bytes.
    """
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
            copy_run(to + i * pitch, source + i * step, count)
        first, source, length = first + count, source + count, length - count


@helper
def _zero_rows(target, pitch, rows, first, length, segment, panel):
    """Write zeros where `_copy_rows` would copy pixels."""
    while length > 0:
        count = min(length, segment - first % segment)
        to = target + first // segment * panel + first % segment
        for i in range(rows):
            zero_run(to + i * pitch, count)
        first, length = first + count, length - count


@helper
def gather_channels(
    image, channel, channels, table, runs, r, s, target, pitch, segment, panel
):  # fmt: skip
    """Write the taps of filter pixel (r, s), a row for each of `channels`.

    See `gather`; pitch, segment and panel are in bytes here.
    """
    height, row_length, cases = image.shape[1], image.shape[2] * image.shape[3], image.shape[3]
    item, step = image.itemsize, height * row_length * image.itemsize
    for i in range(runs):
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


@helper
def gather(image, channel, channels, table, runs, size, start, stop, target, layout):
    """Write taps [start, stop), in the order (r, s, channel), to rows at address `target`.

    image: (all channels, H, W, N); the window sees `channels` of them from `channel` on.
    layout: (pitch, segment, panel), in scalars.  Rows are `pitch` apart.  Every `segment` columns
    begin a new panel; panels are `panel` apart.
    """
    item = image.itemsize
    pitch, segment, panel = layout[0] * item, layout[1] * item, layout[2] * item
    while start < stop:
        place, c = start // channels, start % channels
        count = min(channels - c, stop - start)
        gather_channels(
            image, channel + c, count, table, runs, place // size, place % size,
            target, pitch, segment, panel,
        )  # fmt: skip
        target += count * pitch
        start += count
