"""Full connections (dialect, 3.2): y = w x with x (inputs, N), w (outputs, inputs), y (outputs, N).

The products are NumPy's, so they run in its BLAS.
"""

import numpy as np

from convnet.backends.base import needs_scratch
from convnet.backends.cpu.carve import carve, total_bytes
from convnet.backends.cpu.finish import as_finish, finish_rows

_BLOCK_BYTES = 2**22  # of a product that waits to be added


def _block(out, accumulate):
    """Scratch for some rows of a product that is to be added to `out`."""
    row_bytes = out.shape[1] * out.dtype.itemsize
    rows = min(out.shape[0], max(1, _BLOCK_BYTES // row_bytes)) if accumulate else 0
    return [((rows, out.shape[1]), out.dtype)]


def _size(_a, _b, out, accumulate):
    return total_bytes(_block(out, accumulate))


def _product(left, right, out, accumulate, scratch):
    if not accumulate:
        np.matmul(left, right, out=out)
        return
    (block,) = carve(scratch, _block(out, accumulate))
    for start in range(0, len(out), len(block)):
        target = out[start : start + len(block)]
        part = block[: len(target)]
        np.matmul(left[start : start + len(block)], right, out=part)
        np.add(target, part, out=target)


@needs_scratch(_size)
def forward(x, w, y, accumulate, *, scratch):
    """y (+)= w x."""
    _product(w, x, y, accumulate, scratch)


@needs_scratch(lambda *args: _size(*args[:4]))
def forward_fused(x, w, y, accumulate, biases, kind, a, b, *, scratch):
    """y = f(w x + biases (+ y)), f a neuron."""
    _product(w, x, y, accumulate, scratch)
    finish_rows(y, as_finish(biases, kind, a, b))


@needs_scratch(_size)
def inputs_grad(dy, w, dx, accumulate, *, scratch):
    """dx (+)= w' dy."""
    _product(w.T, dy, dx, accumulate, scratch)


@needs_scratch(_size)
def weights_grad(x, dy, dw, accumulate, *, scratch):
    """dw (+)= dy x'."""
    _product(dy, x.T, dw, accumulate, scratch)
