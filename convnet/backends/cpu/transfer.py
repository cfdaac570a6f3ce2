"""Copies between devices; those of the CPU engine are only names, so a copy is a copy."""

import numpy as np


def copy(src, dst):
    """dst = src.  The same shape and type; the only function given arrays of two devices."""
    np.copyto(dst, src)
