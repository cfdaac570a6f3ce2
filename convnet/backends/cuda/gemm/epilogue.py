"""The epilogue of a product: biases are added and a neuron is applied.

As a kernel of its own it moves 8 bytes a value; where `Result.fuses` allows it, the product's
kernel does it before it writes.
"""

from dataclasses import dataclass
from functools import cache

from numba import cuda, float32

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import int32, uint32
from convnet.backends.cuda.kernels.neuron_functions import FUNCTIONS
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, vectorized, width_of
from convnet.backends.cuda.runtime.launch import Array, Launch, over

_CHEAP = "ident", "relu", "brelu", "abs", "square", "linear"


@dataclass(frozen=True)
class Epilogue:
    """y = f(y + biases), f a neuron with parameters a and b; a bias for each row of y.

    y may also have several rows for each bias, all of the same length.
    """

    biases: Array
    kind: str
    a: float
    b: float

    @property
    def is_cheap(self) -> bool:
        """Whether the neuron is so few instructions that a product may run them for each sum."""
        return self.kind in _CHEAP

    def launches(self, y: Array) -> list[Launch]:
        """Return the launch that applies the epilogue to y in place."""
        columns = y.size // self.biases.size
        width = width_of(columns, y)
        numbers = columns, float(self.a), float(self.b), y.size
        kernel = _kernels(self.kind)[width]
        return [over(kernel, ceil_div(y.size, width), y, self.biases, *numbers)]


@cache
def _kernels(kind):
    f = FUNCTIONS[kind]

    def make(WIDTH):
        def epilogue(y, biases, columns, a, b, count):
            v = cuda.local.array(WIDTH, float32)
            i, step = grid_stride(WIDTH)
            while i < count:
                load_values(v, y, i, WIDTH)
                bias = biases[uint32(i) // uint32(columns)]
                for k in range(WIDTH):
                    v[k] = f(v[k] + bias, a, b)
                store_values(y, i, v, WIDTH)
                i = int32(i + step)

        return epilogue

    return vectorized(make, f"epilogue_{kind}")
