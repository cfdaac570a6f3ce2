"""Storing rows of results in an image, with the epilogue applied."""

from convnet.backends.cpu.gemm.epilogue import apply_epilogue
from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.kernels.rows import add_row
from convnet.backends.cpu.microkernel import BLOCK_BYTES, address, copy_bytes, stream_block


@helper
def store_row(source, target, start, accumulate, index, epilogue):
    """target[start...] = epilogue(source (+ target[start...])), with bias number `index`."""
    if accumulate:
        add_row(target[start : start + source.size], source)
    apply_epilogue(source, index, epilogue)
    size = source.size * target.itemsize
    copy_bytes(address(target) + start * target.itemsize, address(source), size)


@helper
def stream_row(source, target, index, epilogue):
    """target = epilogue(source), by streaming stores: of whole blocks, at an aligned address."""
    apply_epilogue(source, index, epilogue)
    for part in range(0, source.size * source.itemsize, BLOCK_BYTES):
        stream_block(address(target) + part, address(source) + part)


@helper
def store_rows(results, y, columns, row, rows, first, count, accumulate, epilogue, streams):
    """Store `count` columns of results, from column `first` of y on, in rows `row`... of y.

    y: flat, of shape (all rows, columns).  results: (rows, at least `count`).  streams: by
    streaming stores, of whole blocks.
    """
    for k in range(rows):
        start = (row + k) * columns + first
        if streams:
            stream_row(results[k, :count], y[start:], row + k, epilogue)
        else:
            store_row(results[k, :count], y, start, accumulate, row + k, epilogue)


@helper
def store_pixels(results, y, shape, channel, rows, first, count, place, accumulate, epilogue):
    """Store results whose rows interleave the pixels of several phases.

    Row (py, px, channel) and column (qy, qx, case) belong to pixel origin + q * phases + p.
    place: (columns q in a row, phases, origin).  y: flat, of `shape` (C, H, W, N).
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
                store_row(source, y, start, accumulate, channel + k, epilogue)
                start += height * width * cases
        done += length
