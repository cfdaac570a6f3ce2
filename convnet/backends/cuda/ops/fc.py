"""Full connections."""

from convnet.backends.base import implements
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.gemm.gemm import Product, Result, columns, rows, scratch_bytes
from convnet.operations import fc


def _forward_scratch(x, w, y, accumulate, *, precision):
    return scratch_bytes(w.shape[0], x.shape[1], w.shape[1], 1, precision)


def _inputs_scratch(dy, w, dx, accumulate, *, precision):
    return scratch_bytes(w.shape[1], dy.shape[1], w.shape[0], 1, precision)


def _weights_scratch(x, dy, dw, accumulate, *, precision):
    return scratch_bytes(*dw.shape, x.shape[1], 1, precision)


@implements(fc.forward, scratch=_forward_scratch, precision=True)
def forward(x, w, y, accumulate, *, precision, scratch):
    return _forward(x, w, y, accumulate, precision, scratch, None)


def _forward(x, w, y, accumulate, precision, scratch, epilogue):
    (outputs, inputs), cases = w.shape, x.shape[1]
    a, b, result = columns(w, outputs, inputs), rows(x, cases, cases), Result(y, cases)
    product = Product(a, b, result, inputs, 1, accumulate, precision, epilogue=epilogue)
    return product.launches(scratch)


def _fused_scratch(*arguments, precision):
    return _forward_scratch(*arguments[:-4], precision=precision)


@implements(fc.forward_fused, scratch=_fused_scratch, precision=True)
def forward_fused(x, w, y, accumulate, biases, kind, a, b, *, precision, scratch):
    return _forward(x, w, y, accumulate, precision, scratch, Epilogue(biases, kind, a, b))


@implements(fc.inputs_grad, scratch=_inputs_scratch, precision=True)
def inputs_grad(dy, w, dx, accumulate, *, precision, scratch):
    (outputs, inputs), cases = w.shape, dy.shape[1]
    a, b = rows(w, inputs, inputs), rows(dy, cases, cases)
    return Product(a, b, Result(dx, cases), outputs, 1, accumulate, precision).launches(scratch)


@implements(fc.weights_grad, scratch=_weights_scratch, precision=True)
def weights_grad(x, dy, dw, accumulate, *, precision, scratch):
    (outputs, inputs), cases = dw.shape, x.shape[1]
    a, b = columns(dy, outputs, cases), columns(x, inputs, cases)
    return Product(a, b, Result(dw, inputs), cases, 1, accumulate, precision).launches(scratch)
