"""A copy as a piece of a program, beside launches of kernels."""

from dataclasses import dataclass

from convnet.backends.cuda.runtime.launch import Array


@dataclass(frozen=True)
class Copy:
    """dst = src, byte by byte; either may be host memory.  The engine does it, not a kernel."""

    src: Array
    dst: Array
