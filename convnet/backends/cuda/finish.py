"""What is done to a product's results: biases added, a neuron applied.  Bytes a value: 8."""

from functools import cache

from numba import cuda, float32

from .compiling import int32, uint32
from .launch import Launch, over
from .lowlevel import load_values, store_values
from .neuron_functions import FUNCTIONS
from .wide import walk, wide, width_of


def finished(y, biases, kind, a, b) -> list[Launch]:
    """Launches for y = f(y + biases), f a neuron; a bias for each row of y, or for each output."""
    columns = y.size // biases.size
    width = width_of(columns, y)
    numbers = columns, float(a), float(b), y.size
    return [over(_kernels(kind)[width], -(-y.size // width), y, biases, *numbers)]


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
