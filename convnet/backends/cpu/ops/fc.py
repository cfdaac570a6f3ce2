"""Full connections."""

from convnet.backends.base import implements
from convnet.backends.cpu.gemm import few_columns, gemm
from convnet.backends.cpu.gemm.epilogue import epilogue_of, no_epilogue
from convnet.backends.cpu.scratch import carve_for_threads, thread_count, total_bytes
from convnet.compiling.replay import repeatable
from convnet.operations import fc


def _parts(threads, out, depth, transposed):
    """Scratch of w or its transpose times x or dy."""
    if few_columns.fits(out.shape[1]):
        return few_columns.parts(threads, transposed, out.shape, depth, out.dtype)
    return gemm.parts(threads, out.shape, depth, out.dtype)


def _forward_size(x, _w, y, *_others):
    return total_bytes(_parts(thread_count(), y, x.shape[0], False))


def _forward(x, w, y, accumulate, epilogue, scratch):
    arrays = carve_for_threads(scratch, _parts, y, x.shape[0], False)
    if few_columns.fits(y.shape[1]):
        few_columns.run(w, x, y, accumulate, epilogue, arrays)
    else:
        gemm.run(w, False, x, False, y, accumulate, epilogue, arrays)


@repeatable
@implements(fc.forward, scratch=_forward_size)
def forward(x, w, y, accumulate, *, scratch):
    _forward(x, w, y, accumulate, no_epilogue(y.dtype), scratch)


@repeatable
@implements(fc.forward_fused, scratch=_forward_size)
def forward_fused(x, w, y, accumulate, biases, kind, a, b, *, scratch):
    _forward(x, w, y, accumulate, epilogue_of(biases, kind, a, b), scratch)


def _inputs_size(dy, _w, dx, _accumulate):
    return total_bytes(_parts(thread_count(), dx, dy.shape[0], True))


@repeatable
@implements(fc.inputs_grad, scratch=_inputs_size)
def inputs_grad(dy, w, dx, accumulate, *, scratch):
    arrays = carve_for_threads(scratch, _parts, dx, dy.shape[0], True)
    if few_columns.fits(dx.shape[1]):
        few_columns.run_transposed(w, dy, dx, accumulate, arrays)
    else:
        gemm.run(w, True, dy, False, dx, accumulate, no_epilogue(dx.dtype), arrays)


def _weights_parts(threads, x, dw):
    return gemm.parts(threads, dw.shape, x.shape[1], dw.dtype)


@repeatable
@implements(
    fc.weights_grad,
    scratch=lambda x, _dy, dw, _accumulate: total_bytes(_weights_parts(thread_count(), x, dw)),
)
def weights_grad(x, dy, dw, accumulate, *, scratch):
    arrays = carve_for_threads(scratch, _weights_parts, x, dw)
    gemm.run(dy, False, x, True, dw, accumulate, no_epilogue(dw.dtype), arrays)
