"""Packing convolution weights (C/groups, K, K, F) for `direct_conv.correlate`.

Packed filters are an array (taps, ROWS) for each group, each span of taps and each block of ROWS
rows.  Rows beyond the last are zero.  `used[group, span, block]` is 0 where the array is all zero.
"""

from numba import prange

from convnet.backends.cpu.gemm.direct_conv import span_range
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import ROWS, address, copy_bytes


@exact
def pack_forward(w, packed, used, groups, spans):
    """Pack for the forward pass: rows are filters, taps are (r, s, channel)."""
    channels, size, filters = w.shape[0], w.shape[1], w.shape[3] // groups
    numbers, blocks = used.shape[1], used.shape[2]
    group_size = size * size * channels * blocks * ROWS
    whole, item = filters // ROWS * ROWS, w.itemsize
    for task in prange(groups * numbers):
        group, number = task // numbers, task % numbers
        start, stop = span_range(number, spans)
        base = group * group_size + start * blocks * ROWS
        for tap in range(start, stop):
            place, c = tap // channels, tap % channels
            source = w[c, place // size, place % size]
            to = base + (tap - start) * ROWS
            for row in range(0, whole, ROWS):
                values = address(source) + (group * filters + row) * item
                copy_bytes(address(packed) + to * item, values, ROWS * item)
                to += (stop - start) * ROWS
            if whole < filters:
                for k in range(ROWS):
                    inside = whole + k < filters
                    packed[to + k] = source[group * filters + whole + k] if inside else 0
        for block in range(blocks):
            used[group, number, block] = 1


@helper
def _pack_rotated_row(w, phase_y, phase_x, c, group, packed, to, start, stop, filters, phases):
    """Pack one row of one span; return whether any tap of it exists."""
    size = w.shape[1]
    side = kernel_ceil_div(size, phases)
    any_used = False
    while start < stop:
        place, f = start // filters, start % filters
        count = min(filters - f, stop - start)
        r = phase_y + phases * (side - 1 - place // side)
        s = phase_x + phases * (side - 1 - place % side)
        if r < size and s < size:
            any_used = True
            source = w[c, r, s, group * filters + f :]
            for i in range(count):
                packed[to + i * ROWS] = source[i]
        else:
            for i in range(count):
                packed[to + i * ROWS] = 0
        start += count
        to += count * ROWS
    return any_used


@exact
def pack_rotated(w, packed, used, groups, spans, phases):
    """Pack for the gradient of images: filters rotated by 180 degrees, in phases.

    Rows are (py, px, channel), taps are (jy, jx, filter).  The pixels of one phase (py, px) modulo
    the stride meet only the filter rows py, py + stride, ...  With a row for each phase, the
    gradient is a correlation of stride 1 with small filters.  phases: the stride.
    """
    channels, size, filters = w.shape[0], w.shape[1], w.shape[3] // groups
    numbers, blocks = used.shape[1], used.shape[2]
    side = kernel_ceil_div(size, phases)
    group_size = side * side * filters * blocks * ROWS
    for task in prange(groups * numbers):
        group, number = task // numbers, task % numbers
        start, stop = span_range(number, spans)
        for block in range(blocks):
            base = group * group_size + (start * blocks + block * (stop - start)) * ROWS
            used[group, number, block] = 0
            for k in range(ROWS):
                phase, c = (block * ROWS + k) // channels, (block * ROWS + k) % channels
                if phase < phases * phases:
                    if _pack_rotated_row(
                        w, phase // phases, phase % phases, c, group, packed, base + k,
                        start, stop, filters, phases,
                    ):  # fmt: skip
                        used[group, number, block] = 1
                else:
                    for tap in range(stop - start):
                        packed[base + tap * ROWS + k] = 0
