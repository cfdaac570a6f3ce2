"""The output nonlinearities (dialect, 4), applied to flat arrays of activities.

Functions are in neuron_forward.py, slopes in neuron_backward.py, nrelu's in neuron_noise.py.
"""

from convnet.backends.cpu.kernels.neuron_backward import backward_fused_kernel, backward_kernel
from convnet.backends.cpu.kernels.neuron_forward import forward_kernel
from convnet.backends.cpu.kernels.neuron_kinds import KINDS
from convnet.backends.cpu.kernels.neuron_noise import noisy_kernel
from convnet.compiling.replay import repeatable


@repeatable
def forward(x, y, kind, a, b):
    """y = f(x).  x, y: (rows, N), may be one array; a and b: the neuron's parameters or 0."""
    real = x.dtype.type
    forward_kernel(x.reshape(-1), y.reshape(-1), KINDS[kind], real(a), real(b))


@repeatable
def backward(x, y, dy, dx, kind, a, b, accumulate):
    """dx (+)= f'(x) * dy.  dx may be dy, unless accumulating.

    Only drelu, abs, square and log read x; every other kind works from y, so that x may have been
    overwritten by y in place.
    """
    real = x.dtype.type
    arrays = [array.reshape(-1) for array in (x, y, dy, dx)]
    backward_kernel(*arrays, KINDS[kind], real(a), real(b), accumulate)


@repeatable
def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds):
    """dx = f'(x) * dy as `backward`, and db[r] (+)= the sum of dx[r, :] as `bias.grad`.

    x, y, dy, dx: (rows, columns); dx may be dy.
    """
    real = x.dtype.type
    backward_fused_kernel(x, y, dy, dx, KINDS[kind], real(a), real(b), db, db_adds)


@repeatable
def noisy(x, y, random):
    """nrelu: y = max(0, r + sqrt(r)*noise), r = max(0, x), noise normal of variance 1.

    x, y: (rows, N), may be one array.  The noise is drawn anew for each `random` (philox.py): the
    four words of a group give two pairs (u1, u2), u = ((word >> 8) + 1) * 2**-24, and each pair
    the noise sqrt(-2 log u1) * (cos, sin)(2 pi u2) of two elements in turn.
    """
    noisy_kernel(x.reshape(-1), y.reshape(-1), random)
