"""Kernels of `local`: for each module (or pixel), a matrix product over a tile of cases."""

from numba import prange

from convnet.backends.cpu.gemm.direct_conv_weights import add_products, transpose
from convnet.backends.cpu.gemm.epilogue import apply_epilogue
from convnet.backends.cpu.gemm.im2col import gather_channels, list_runs
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
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

SPAN = 160  # terms of a product that are summed at a time: they stay in the first-level cache


@helper
def _multiply(weights, first, step, row, rows, gathered, edge, result, terms, count):
    """result[k] += sum over i < terms of weights[first + i*step + k*row] * gathered[i], k < rows.

    weights: flat.  edge: scratch for the last rows, copied and padded if they do not fill a block.
    """
    item, width = weights.itemsize, result.shape[1]
    vectors = kernel_ceil_div(count * item, VECTOR_BYTES)
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


@helper
def _store(result, y, row, rows, py, px, case, count, accumulate, epilogue):
    """y[row + k, py, px, case...] (+)= result[k], with the epilogue applied.

    The epilogue has a bias for each output of a case.
    """
    for k in range(rows):
        source, target = result[k], y[row + k, py, px]
        if accumulate:
            for j in range(count):
                target[case + j] += source[j]
        else:
            for j in range(count):
                target[case + j] = source[j]
        place = ((row + k) * y.shape[1] + py) * y.shape[2] + px
        apply_epilogue(target[case : case + count], place, epilogue)


@helper
def _gather_taps(x, channel, table, runs, size, start, stop, gathered):
    """Gather taps [start, stop), in the weights' order (channel, r, s), as rows of `gathered`."""
    pitch = gathered.shape[1] * x.itemsize
    for tap in range(start, stop):
        c, place = tap // (size * size), tap % (size * size)
        r, s = place // size, place % size
        target = address(gathered) + (tap - start) * pitch
        gather_channels(x, channel + c, UNIT, table, runs, r, s, target, pitch, pitch, 0)


@exact
def forward_kernel(x, w, y, tables, gathered, edges, results, window, accumulate, epilogue):
    """y (+)= the modules' products, with the epilogue applied.

    w: (modules, taps, F).  window: (groups, size, stride, padding).
    """
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
                runs = list_runs(
                    table, module * cases + case, count, y.shape[2], cases, stride, padding
                )
                zero_bytes(address(result), result.size * x.itemsize)
                for start in range(0, taps, SPAN):
                    stop = min(start + SPAN, taps)
                    _gather_taps(
                        x, group * channels, table, runs, size, start, stop, gathered[thread]
                    )
                    first = (module * taps + start) * filters + group * rows
                    _multiply(
                        weights, first, filters, UNIT, rows, gathered[thread], edges[thread],
                        result, stop - start, count,
                    )  # fmt: skip
                _store(result, y, group * rows, rows, my, mx, case, count, accumulate, epilogue)


@helper
def _add_module(
    dy, weights, start, module, row, filters, step, rows, case, count, gathered, edge, result
):
    """result += one module's dy x its weights, which begin at number `start` of the flat array."""
    my, mx = module
    for f in range(0, filters, SPAN):
        terms = min(SPAN, filters - f)
        for i in range(terms):
            source = address(dy[row + f + i, my, mx, case:])
            copy_bytes(address(gathered[i]), source, count * dy.itemsize)
        _multiply(weights, start + f, UNIT, step, rows, gathered, edge, result, terms, count)


@helper
def _pixel(dy, w, iy, ix, group, case, count, window, gathered, edge, result):
    """result (channels, cases) += the gradient of pixel (iy, ix), from all modules that read it."""
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
def images_kernel(dy, w, dx, gathered, edges, results, window, accumulate, epilogue):
    """dx (+)= the gradient of the images, with the epilogue applied.

    w: (modules, C/groups, K, K, F).  window: (groups, size, stride, padding).
    """
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
                    result, dx, group * channels, channels, iy, ix, case, count, accumulate,
                    epilogue,
                )  # fmt: skip


@helper
def _store_weights(sums, dw, first, filters, accumulate):
    """dw (taps, F)[:, first...] (+)= sums (filter blocks, taps, filters of a block)."""
    width = sums.shape[2]
    for tap in range(dw.shape[0]):
        for f in range(filters):
            value = sums[f // width, tap, f % width]
            dw[tap, first + f] = dw[tap, first + f] + value if accumulate else value


@exact
def weights_kernel(x, dy, dw, tables, gathered, transposed, sums, window, modules_x, accumulate):
    """dw (+)= the gradient of the weights.

    dw: (modules, taps, F).  dy: flat.  window: (groups, size, stride, padding).  modules_x: modules
    in a row.
    """
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
                    dy, group * filters, filters, modules * cases, first, count, transposed[thread]
                )
                runs = list_runs(table, first, count, modules_x, cases, stride, padding)
                for start in range(0, taps, part):
                    stop = min(start + part, taps)
                    _gather_taps(
                        x, group * channels, table, runs, size, start, stop, gathered[thread]
                    )
                    add_products(
                        gathered[thread], transposed[thread], own, start // ROWS,
                        kernel_ceil_div(stop - start, ROWS), filters, count,
                    )  # fmt: skip
            _store_weights(own, dw[module], group * filters, filters, accumulate)
