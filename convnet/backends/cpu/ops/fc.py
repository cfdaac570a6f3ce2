"""Full connections."""

from convnet.backends.base import implements
from convnet.backends.cpu.gemm import gemm
from convnet.backends.cpu.gemm.epilogue import as_finish, nothing
from convnet.backends.cpu.scratch import carve_for_threads, thread_count, total_bytes
from convnet.compiling.replay import repeatable
from convnet.operations import fc


def _parts(threads, out, depth):
    return gemm.parts(threads, out.shape, depth, out.dtype)


def _forward_size(x, _w, y, *_others):
    return total_bytes(_parts(thread_count(), y, x.shape[0]))


def _forward(x, w, y, accumulate, finish, scratch):
    arrays = carve_for_threads(scratch, _parts, y, x.shape[0])
    gemm.run(w, False, x, False, y, accumulate, finish, arrays)


@repeatable
@implements(fc.forward, scratch=_forward_size)
def forward(x, w, y, accumulate, *, scratch):
    _forward(x, w, y, accumulate, nothing(y.dtype), scratch)


@repeatable
@implements(fc.forward_fused, scratch=_forward_size)
def forward_fused(x, w, y, accumulate, biases, kind, a, b, *, scratch):
    _forward(x, w, y, accumulate, as_finish(biases, kind, a, b), scratch)


@repeatable
@implements(
    fc.inputs_grad,
    scratch=lambda dy, _w, dx, _accumulate: total_bytes(_parts(thread_count(), dx, dy.shape[0])),
)
def inputs_grad(dy, w, dx, accumulate, *, scratch):
    arrays = carve_for_threads(scratch, _parts, dx, dy.shape[0])
    gemm.run(w, True, dy, False, dx, accumulate, nothing(dx.dtype), arrays)


@repeatable
@implements(
    fc.weights_grad,
    scratch=lambda x, _dy, dw, _accumulate: total_bytes(_parts(thread_count(), dw, x.shape[1])),
)
def weights_grad(x, dy, dw, accumulate, *, scratch):
    arrays = carve_for_threads(scratch, _parts, dw, x.shape[1])
    gemm.run(dy, False, x, True, dw, accumulate, nothing(dw.dtype), arrays)
