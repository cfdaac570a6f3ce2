"""What is done to a product's results: biases added, a neuron applied.  Bytes a value: 8."""

from dataclasses import dataclass
from functools import cache

from numba import cuda, float32

from convnet.backends.cuda.jit import int32, uint32
from convnet.backends.cuda.kernels.neuron_functions import FUNCTIONS
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import walk, wide, width_of
from convnet.backends.cuda.runtime.launch import Array, Launch, over

_SHORT = "ident", "relu", "brelu", "abs", "square", "linear"


@dataclass(frozen=True)
class Finish:
    """y = f(y + biases), f a neuron; a bias for each row of y, or for each output."""

    biases: Array
    kind: str
    a: float
    b: float

    @property
    def short(self) -> bool:
        """Whether the neuron is so few instructions that a product may have them for each sum."""
        return self.kind in _SHORT


def finished(y: Array, finish: Finish) -> list[Launch]:
    """Launches that finish y."""
    columns = y.size // finish.biases.size
    width = width_of(columns, y)
    numbers = columns, float(finish.a), float(finish.b), y.size
    return [over(_kernels(finish.kind)[width], -(-y.size // width), y, finish.biases, *numbers)]


@cache
def _kernels(kind):
    f = FUNCTIONS[kind]

    def make(WIDTH):
        def finish(y, biases, columns, a, b, count):
            v = cuda.local.array(WIDTH, float32)
            i, step = walk(WIDTH)
            while i < count:
                load_values(v, y, i, WIDTH)
                bias = biases[uint32(i) // uint32(columns)]
                for k in range(WIDTH):
                    v[k] = f(v[k] + bias, a, b)
                store_values(y, i, v, WIDTH)
                i = int32(i + step)

        return finish

    return wide(make, f"finish_{kind}")
