"""Kernels of `local`: matrix products of one module (or one pixel) and a tile of cases."""

from numba import prange

from convnet.backends.cpu.gemm.direct_conv_weights import add_products, transpose
from convnet.backends.cpu.gemm.epilogue import finish_row
from convnet.backends.cpu.gemm.im2col import gather_channels, list_pieces
from convnet.backends.cpu.jit import exact, piece
from convnet.backends.cpu.microkernel import (
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_product,
    copy_bytes,
    zero_bytes,
)

SPAN = 160  # terms of a product summed at a time: they stay in the first-level cache


@piece
def _multiply(weights, first, step, row, rows, gathered, edge, result, terms, count):
    """result[k] += sum over i < terms of weights[first + i*step + k*row] * gathered[i], k < rows.

    `weights` is flat. The last rows, if they do not fill a block, are copied and padded in `edge`.
    """
    item, width = weights.itemsize, result.shape[1]
    vectors = -(-count * item // VECTOR_BYTES)
    b, c = address(gathered), address(result)
    whole = rows // ROWS * ROWS
    for k in range(0, whole, ROWS):
        a = address(weights) + (first + k * row) * item
        block_product(
            gathered, a, step, row, b, c + k * width * item, width, terms, vectors, 1
        )  # fmt: skip
    if whole < rows:
        for i in range(terms):
            for k in range(ROWS):
                place = first + i * step + min(whole + k, rows - 1) * row
                edge[i, k] = weights[place]
        c += whole * width * item
        block_product(gathered, address(edge), PACKED, UNIT, b, c, width, terms, vectors, 1)


@piece
def _store(result, y, row, rows, py, px, case, count, accumulate, finish):
    """y[row + k, py, px, case...] (+)= result[k], finished with a bias for each of y's places."""
    for k in range(rows):
        source, target = result[k], y[row + k, py, px]
        if accumulate:
            for j in range(count):
                target[case + j] += source[j]
        else:
            for j in range(count):
                target[case + j] = source[j]
        place = ((row + k) * y.shape[1] + py) * y.shape[2] + px
        finish_row(target[case : case + count], place, finish)


@piece
def _gather_channelss(x, channel, table, pieces, size, start, stop, gathered):
    """Taps [start, stop), order (channel, r, s) as in the weights, to the rows of `gathered`."""
    pitch = gathered.shape[1] * x.itemsize
    for tap in range(start, stop):
        c, place = tap // (size * size), tap % (size * size)
        r, s = place // size, place % size
        target = address(gathered) + (tap - start) * pitch
        gather_channels(x, channel + c, UNIT, table, pieces, r, s, target, pitch, pitch, 0)


@exact
def forward_kernel(x, w, y, tables, gathered, edges, results, window, accumulate, finish):
    """w is (modules, taps, F); window = (groups, size, stride, padding)."""
    groups, size, stride, padding = window
    modules, taps, filters = w.shape
    cases, rows, channels = x.shape[3], filters // groups, x.shape[0] // groups
    threads, width, weights = tables.shape[0], results.shape[2], w.reshape(-1)
    for thread in prange(threads):
        table, result = tables[thread], results[thread]
        for task in range(thread, modules * groups, threads):
            module, group = task // groups, task % groups
            my, mx = module // y.shape[2], module % y.shape[2]
            for case in range(0, cases, width):
                count = min(width, cases - case)
                pieces = list_pieces(
                    table, module * cases + case, count, y.shape[2], cases, stride, padding
                )
                zero_bytes(address(result), result.size * x.itemsize)
                for start in range(0, taps, SPAN):
                    stop = min(start + SPAN, taps)
                    _gather_channelss(
                        x, group * channels, table, pieces, size, start, stop, gathered[thread]
                    )
                    first = (module * taps + start) * filters + group * rows
                    _multiply(
                        weights, first, filters, UNIT, rows, gathered[thread], edges[thread],
                        result, stop - start, count,
                    )  # fmt: skip
                _store(result, y, group * rows, rows, my, mx, case, count, accumulate, finish)


@piece
def _add_module(
    dy, weights, start, module, row, filters, step, rows, case, count, gathered, edge, result
):
    """result += dy of one module times its weights, of which the first is number `start`."""
    my, mx = module
    for f in range(0, filters, SPAN):
        terms = min(SPAN, filters - f)
        for i in range(terms):
            source = address(dy[row + f + i, my, mx, case:])
            copy_bytes(address(gathered[i]), source, count * dy.itemsize)
        _multiply(weights, start + f, UNIT, step, rows, gathered, edge, result, terms, count)


@piece
def _pixel(dy, w, iy, ix, group, case, count, window, gathered, edge, result):
    """result (channels, cases) += what all modules that read pixel (iy, ix) send back."""
    groups, size, stride, padding = window
    filters, weights = dy.shape[0] // groups, w.reshape(-1)
    channel_step = size * size * dy.shape[0]
    for r in range(size):
        my, rest_y = divmod(iy + padding - r, stride)
        if rest_y != 0 or my < 0 or my >= dy.shape[1]:
            continue
        for s in range(size):
            mx, rest_x = divmod(ix + padding - s, stride)
            if rest_x != 0 or mx < 0 or mx >= dy.shape[2]:
                continue
            start = (my * dy.shape[2] + mx) * w.shape[1] * channel_step
            start += (r * size + s) * dy.shape[0] + group * filters
            _add_module(
                dy, weights, start, (my, mx), group * filters, filters, channel_step,
                w.shape[1], case, count, gathered, edge, result,
            )  # fmt: skip


@exact
def images_kernel(dy, w, dx, gathered, edges, results, window, accumulate, finish):
    """w is (modules, C/groups, K, K, F); window = (groups, size, stride, padding)."""
    groups, channels = window[0], w.shape[1]
    cases, width, threads = dy.shape[3], results.shape[2], results.shape[0]
    pixels = dx.shape[1] * dx.shape[2]
    for thread in prange(threads):
        result = results[thread]
        for task in range(thread, pixels * groups, threads):
            pixel, group = task // groups, task % groups
            iy, ix = pixel // dx.shape[2], pixel % dx.shape[2]
            for case in range(0, cases, width):
                count = min(width, cases - case)
                zero_bytes(address(result), result.size * dy.itemsize)
                _pixel(
                    dy, w, iy, ix, group, case, count, window, gathered[thread], edges[thread],
                    result,
                )  # fmt: skip
                _store(
                    result, dx, group * channels, channels, iy, ix, case, count, accumulate, finish
                )


@piece
def _store_weights(sums, dw, first, filters, accumulate):
    """dw (taps, F)[:, first...] (+)= sums (filter blocks, taps, filters of a block)."""
    width = sums.shape[2]
    for tap in range(dw.shape[0]):
        for f in range(filters):
            value = sums[f // width, tap, f % width]
            dw[tap, first + f] = dw[tap, first + f] + value if accumulate else value


@exact
def weights_kernel(x, dy, dw, tables, gathered, turned, sums, window, modules_x, accumulate):
    """dw is (modules, taps, F), dy flat; window = (groups, size, stride, padding)."""
    groups, size, stride, padding = window
    modules, taps, filters = dw.shape[0], dw.shape[1], dw.shape[2] // groups
    cases, channels = x.shape[3], x.shape[0] // groups
    threads, chunk, part = tables.shape[0], gathered.shape[2], gathered.shape[1]
    for thread in prange(threads):
        table, own = tables[thread], sums[thread]
        for task in range(thread, modules * groups, threads):
            module, group = task // groups, task % groups
            zero_bytes(address(own), own.size * x.itemsize)
            for case in range(0, cases, chunk):
                first, count = module * cases + case, min(chunk, cases - case)
                transpose(
                    dy, group * filters, filters, modules * cases, first, count, turned[thread]
                )
                pieces = list_pieces(table, first, count, modules_x, cases, stride, padding)
                for start in range(0, taps, part):
                    stop = min(start + part, taps)
                    _gather_channelss(
                        x, group * channels, table, pieces, size, start, stop, gathered[thread]
                    )
                    add_products(
                        gathered[thread], turned[thread], own, start // ROWS,
                        -(-(stop - start) // ROWS), filters, count,
                    )  # fmt: skip
            _store_weights(own, dw[module], group * filters, filters, accumulate)
