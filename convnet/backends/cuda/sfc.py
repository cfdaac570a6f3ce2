"""Split full connections (dialect, 3.10): a product of its own for each slice of the inputs.

x (inputs, N), y (parts * outputs, N), w (outputs, inputs): the columns of w that meet slice k of x
make slice k of y.
"""

from convnet.backends.base import operation

from .fc import _only_fp32, plain
from .launch import over


def _sizes(parts, x, w, y):
    return x.shape[0] // parts, y.shape[0] // parts, w.shape[1], x.shape[1]


@operation(writes="y", precision=True)
def forward(x, w, y, parts, accumulate, *, precision):
    """y (+)= w x, part by part."""
    _only_fp32(precision)
    i, o, ld, n = _sizes(parts, x, w, y)
    return [
        over(
            plain, o * n, w, x, y, o, n, i, k * i, ld, 1, k * i * n, n, 1, k * o * n, n, accumulate
        )
        for k in range(parts)
    ]


@operation(writes="dx", precision=True)
def inputs_grad(dy, w, dx, parts, accumulate, *, precision):
    """dx (+)= w' dy, part by part."""
    _only_fp32(precision)
    i, o, ld, n = _sizes(parts, dx, w, dy)
    return [
        over(
            plain,
            i * n,
            w,
            dy,
            dx,
            i,
            n,
            o,
            k * i,
            1,
            ld,
            k * o * n,
            n,
            1,
            k * i * n,
            n,
            accumulate,
        )
        for k in range(parts)
    ]


@operation(writes="dw", precision=True)
def weights_grad(x, dy, dw, parts, accumulate, *, precision):
    """dw (+)= dy x', part by part."""
    _only_fp32(precision)
    i, o, ld, n = _sizes(parts, x, dw, dy)
    return [
        over(
            plain,
            o * i,
            dy,
            x,
            dw,
            o,
            i,
            n,
            k * o * n,
            n,
            1,
            k * i * n,
            1,
            n,
            k * i,
            ld,
            accumulate,
        )
        for k in range(parts)
    ]
