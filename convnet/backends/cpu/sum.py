"""Sums of neighbouring values (dialect, 3.7)."""

import numpy as np


def forward(x, y):
    """y[o] = x[o*k] + ... + x[o*k + k - 1], k = rows of x / rows of y.  x, y: (rows, N)."""
    np.sum(x.reshape(len(y), -1, x.shape[1]), axis=1, out=y)


def backward(dy, dx, accumulate):
    """dx[i] (+)= dy[i // k]."""
    groups = dx.reshape(len(dy), -1, dx.shape[1])
    if accumulate:
        np.add(groups, dy[:, None], out=groups)
    else:
        groups[...] = dy[:, None]
