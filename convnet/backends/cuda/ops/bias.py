"""Biases.  Bytes a value: forward 8, gradient 4."""

from convnet.backends.base import implements
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.kernels.row_sums import scratch_bytes, sum_rows
from convnet.operations import bias


@implements(bias.forward)
def forward(b, y):
    return Epilogue(b, "ident", 0.0, 0.0).launches(y)


@implements(bias.grad, scratch=lambda dy, *_others: scratch_bytes(dy))
def grad(dy, db, accumulate, *, scratch):
    """Sum long rows by several blocks."""
    return sum_rows(dy, db, accumulate, scratch)
