"""Biases: one number for each row of the outputs (dialect, 3.3).

y is (rows, columns): (outputs, N), or (F, M * M * N) where a filter's modules share their bias.
Bytes a value: forward 8, gradient 4.
"""

from convnet.backends.base import operation
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.kernels.row_sums import scratch_bytes, sum_rows


@operation(writes="y")
def forward(b, y):
    """y[r, :] += b[r]."""
    return Epilogue(b, "ident", 0.0, 0.0).launches(y)


@operation(writes="db", scratch=lambda dy, *_others: scratch_bytes(dy))
def grad(dy, db, accumulate, *, scratch):
    """db[r] (+)= the sum of dy[r, :].  Long rows are summed by several blocks."""
    return sum_rows(dy, db, accumulate, scratch)
