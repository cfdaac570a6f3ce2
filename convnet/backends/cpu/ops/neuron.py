"""The elementwise nonlinearities, applied to flat arrays.

Functions are in `kernels.neuron_forward`, derivatives in `kernels.neuron_backward`, nrelu's noise
in `kernels.neuron_noise`.
"""

from convnet.backends.base import implements
from convnet.backends.cpu.kernels import neuron_backward
from convnet.backends.cpu.kernels.neuron_forward import forward_kernel
from convnet.backends.cpu.kernels.neuron_kinds import KINDS
from convnet.backends.cpu.kernels.neuron_noise import noisy_kernel
from convnet.compiling.replay import repeatable
from convnet.operations import neuron


@repeatable
@implements(neuron.forward)
def forward(x, y, kind, a, b):
    real = x.dtype.type
    forward_kernel(x.reshape(-1), y.reshape(-1), KINDS[kind], real(a), real(b))


@repeatable
@implements(neuron.backward)
def backward(x, y, dy, dx, kind, a, b, accumulate):
    real = x.dtype.type
    arrays = [array.reshape(-1) for array in (x, y, dy, dx)]
    neuron_backward.backward(*arrays, KINDS[kind], real(a), real(b), accumulate)


@repeatable
@implements(neuron.backward_fused)
def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds):
    real = x.dtype.type
    numbers = KINDS[kind], real(a), real(b)
    neuron_backward.backward_fused(x, y, dy, dx, *numbers, db, db_adds)


@repeatable
@implements(neuron.noisy)
def noisy(x, y, random):
    noisy_kernel(x.reshape(-1), y.reshape(-1), random)
