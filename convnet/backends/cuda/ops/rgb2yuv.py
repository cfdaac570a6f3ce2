"""RGB to YUV."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import rgb2yuv


@implements(rgb2yuv.forward)
def forward(x, y):
    return [over(_forward, x.size // 3, x, y, x.size // 3)]


@kernel
def _forward(x, y, columns):
    f = np.float32
    for j in elements(columns):
        red, green, blue = x[j], x[columns + j], x[2 * columns + j]
        y[j] = f(0.2126) * red + f(0.7152) * green + f(0.0722) * blue
        y[columns + j] = f(-0.09991) * red + f(-0.33609) * green + f(0.436) * blue
        y[2 * columns + j] = f(0.615) * red + f(-0.55861) * green + f(-0.05639) * blue
