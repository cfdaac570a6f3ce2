"""Split full connections: a group of `gemm.product` is a slice."""

from convnet.backends.base import implements
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.gemm.gemm import Product, Result, columns, rows, scratch_bytes
from convnet.operations import sfc


def _sizes(parts, x, w, y):
    """Inputs and outputs of a part, length of a row of w, cases."""
    return x.shape[0] // parts, y.shape[0] // parts, w.shape[1], x.shape[1]


def _forward_scratch(x, w, y, parts, accumulate, *, precision):
    i, o, _, n = _sizes(parts, x, w, y)
    return scratch_bytes(o, n, i, parts, precision)


def _inputs_scratch(dy, w, dx, parts, accumulate, *, precision):
    i, o, _, n = _sizes(parts, dx, w, dy)
    return scratch_bytes(i, n, o, parts, precision)


def _weights_scratch(x, dy, dw, parts, accumulate, *, precision):
    i, o, _, n = _sizes(parts, x, dw, dy)
    return scratch_bytes(o, i, n, parts, precision)


@implements(sfc.forward, scratch=_forward_scratch, precision=True)
def forward(x, w, y, parts, accumulate, *, precision, scratch):
    return _forward(x, w, y, parts, accumulate, precision, scratch, None)


def _forward(x, w, y, parts, accumulate, precision, scratch, epilogue):
    i, o, ld, n = _sizes(parts, x, w, y)
    a, b, result = columns(w, o, ld, i), rows(x, n, n, i * n), Result(y, n, o * n)
    product = Product(a, b, result, i, parts, accumulate, precision, epilogue=epilogue)
    return product.launches(scratch)


def _fused_scratch(*arguments, precision):
    return _forward_scratch(*arguments[:-4], precision=precision)


@implements(sfc.forward_fused, scratch=_fused_scratch, precision=True)
def forward_fused(x, w, y, parts, accumulate, biases, kind, a, b, *, precision, scratch):
    return _forward(x, w, y, parts, accumulate, precision, scratch, Epilogue(biases, kind, a, b))


@implements(sfc.inputs_grad, scratch=_inputs_scratch, precision=True)
def inputs_grad(dy, w, dx, parts, accumulate, *, precision, scratch):
    i, o, ld, n = _sizes(parts, dx, w, dy)
    a, b, result = rows(w, i, ld, i), rows(dy, n, n, o * n), Result(dx, n, i * n)
    return Product(a, b, result, o, parts, accumulate, precision).launches(scratch)


@implements(sfc.weights_grad, scratch=_weights_scratch, precision=True)
def weights_grad(x, dy, dw, parts, accumulate, *, precision, scratch):
    i, o, ld, n = _sizes(parts, x, dw, dy)
    a, b, result = columns(dy, o, n, o * n), columns(x, i, n, i * n), Result(dw, ld, i)
    return Product(a, b, result, n, parts, accumulate, precision).launches(scratch)
