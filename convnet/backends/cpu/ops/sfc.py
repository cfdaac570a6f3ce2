"""Split full connections."""

from convnet.backends.base import implements
from convnet.backends.cpu.gemm.epilogue import as_finish, finish_rows
from convnet.backends.cpu.ops import fc
from convnet.compiling.replay import repeatable
from convnet.operations import sfc


def _slices(parts, x, w, y):
    """(x, w, y) of each part."""
    inputs, outputs = len(x) // parts, len(y) // parts
    for k in range(parts):
        mine = slice(k * inputs, (k + 1) * inputs)
        yield x[mine], w[:, mine], y[k * outputs : (k + 1) * outputs]


def _size_of(product):
    """Scratch for any part: as much as the product would need as a whole."""
    return lambda a, b, out, _parts, accumulate, *_others: product.scratch_size(
        a, b, out, accumulate
    )


@repeatable
@implements(sfc.forward, scratch=_size_of(fc.forward))
def forward(x, w, y, parts, accumulate, *, scratch):
    for x_k, w_k, y_k in _slices(parts, x, w, y):
        fc.forward(x_k, w_k, y_k, accumulate, scratch=scratch)


@repeatable
@implements(sfc.forward_fused, scratch=_size_of(fc.forward))
def forward_fused(x, w, y, parts, accumulate, biases, kind, a, b, *, scratch):
    forward(x, w, y, parts, accumulate, scratch=scratch)
    finish_rows(y, as_finish(biases, kind, a, b))


@repeatable
@implements(sfc.inputs_grad, scratch=_size_of(fc.inputs_grad))
def inputs_grad(dy, w, dx, parts, accumulate, *, scratch):
    for dx_k, w_k, dy_k in _slices(parts, dx, w, dy):
        fc.inputs_grad(dy_k, w_k, dx_k, accumulate, scratch=scratch)


@repeatable
@implements(sfc.weights_grad, scratch=_size_of(fc.weights_grad))
def weights_grad(x, dy, dw, parts, accumulate, *, scratch):
    for x_k, dw_k, dy_k in _slices(parts, x, dw, dy):
        fc.weights_grad(x_k, dy_k, dw_k, accumulate, scratch=scratch)
