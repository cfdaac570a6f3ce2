"""Images mirrored left to right (dialect, 3.7); forward and backward are the same."""

import numpy as np


def mirror(x, y, accumulate):
    """y (+)= x with its columns in reverse order.  x, y: (C, H, W, N)."""
    mirrored = x[:, :, ::-1]
    if accumulate:
        np.add(y, mirrored, out=y)
    else:
        y[...] = mirrored
