"""Copies, which operations return beside launches of kernels."""

from dataclasses import dataclass

from convnet.backends.cuda.runtime.launch import Array


@dataclass(frozen=True)
class Copy:
    """dst = src, byte by byte; either may be host memory.  It takes no kernel."""

    src: Array
    dst: Array
