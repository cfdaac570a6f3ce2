"""Writing rows of results into an image: as they are or added, with biases and a neuron."""

from convnet.backends.cpu.gemm.epilogue import finish_row
from convnet.backends.cpu.jit import piece
from convnet.backends.cpu.kernels.rows import add_row
from convnet.backends.cpu.microkernel import address, copy_bytes


@piece
def store_row(source, target, start, accumulate, index, finish):
    """target[start...] = source (+ what is there), finished with bias number `index`."""
    if accumulate:
        add_row(target[start : start + source.size], source)
    finish_row(source, index, finish)
    size = source.size * target.itemsize
    copy_bytes(address(target) + start * target.itemsize, address(source), size)


@piece
def store_rows(results, y, columns, row, rows, first, count, accumulate, finish):
    """Rows of results, `count` columns from `first` on, go to flat y (all rows, columns)."""
    for k in range(rows):
        start = (row + k) * columns + first
        store_row(results[k, :count], y, start, accumulate, row + k, finish)


@piece
def store_pixels(results, y, shape, channel, rows, first, count, place, accumulate, finish):
    """Row (py, px, channel) and column (qy, qx, case) belong to pixel origin + q * phases + p.

    place = (columns q in a row, phases, origin).  y is flat, of `shape` (C, H, W, N).
    """
    _, height, width, cases = shape
    side, phases, origin = place
    channels, done = rows // (phases * phases), 0
    while done < count:
        position = (first + done) // cases
        case = first + done - position * cases
        length = min(cases - case, count - done)
        top, left = origin + position // side * phases, origin + position % side * phases
        for phase in range(phases * phases):
            iy, ix = top + phase // phases, left + phase % phases
            if iy < 0 or iy >= height or ix < 0 or ix >= width:
                continue
            start = ((channel * height + iy) * width + ix) * cases + case
            for k in range(channels):
                source = results[phase * channels + k, done : done + length]
                store_row(source, y, start, accumulate, channel + k, finish)
                start += height * width * cases
        done += length
