"""RGB to YUV: a product of three rows, NumPy's."""

import numpy as np

from convnet.backends.base import implements
from convnet.operations import rgb2yuv

_FROM_RGB = np.array(rgb2yuv.FROM_RGB)


@implements(rgb2yuv.forward)
def forward(x, y):
    np.matmul(_FROM_RGB.astype(x.dtype), x.reshape(3, -1), out=y.reshape(3, -1))
