"""RGB to YUV (dialect, 3.7): a product of three rows, NumPy's."""

import numpy as np

FROM_RGB = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.09991, -0.33609, 0.436], [0.615, -0.55861, -0.05639]]
)


def forward(x, y):
    """x, y: (3, pixels, N)."""
    np.matmul(FROM_RGB.astype(x.dtype), x.reshape(3, -1), out=y.reshape(3, -1))
