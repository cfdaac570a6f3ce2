"""A process that compiles kernels, `python -m convnet.compiling.worker` (`side_by_side`).

It reads a pickled list of `Job`s from standard input and the numbers of those to do from a pipe.  A
compiled kernel is left on disk, and a byte is written to another pipe.  The process ends when there
are no more numbers, or when its parent has ended.
"""

import gc
import os
import pickle
import struct
import sys
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

NUMBER = struct.Struct("<i")


class Job(NamedTuple):
    """A kernel to compile: where it is, and Numba's types of its arguments."""

    module: str
    name: str
    types: tuple

    def dispatcher(self):
        """Return Numba's dispatcher; AttributeError if there is none of this name."""
        return getattr(import_module(self.module), self.name).dispatcher


def main(numbers: int, finished: int) -> None:
    """Compile kernels; numbers, finished: file descriptors of the two pipes."""
    parent = os.getppid()
    jobs = pickle.loads(sys.stdin.buffer.read())
    gc.disable()  # it would go through all the objects that Numba makes
    while os.getppid() == parent and (number := os.read(numbers, NUMBER.size)):
        job = jobs[NUMBER.unpack(number)[0]]
        with suppress(Exception):  # the parent meets the same error, and reports it
            job.dispatcher().compile(job.types)
            os.write(finished, b".")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
