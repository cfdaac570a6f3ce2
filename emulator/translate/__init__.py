"""Kernels translated to Python source over NumPy arrays that hold a value for each thread.

The source calls functions of `emulator.arithmetic` and these of the machine, which see all threads;
m is True or a mask of the active ones:

* load_SPACE(address, size, count, m, text) -> `count` arrays, of unsigned integers of `size` bytes,
  with the values of the active threads only; SPACE: global, shared, local, generic
* store_SPACE(address, values, size, m, text); values: a tuple of arrays or scalars, unsigned
* copy_async(shared address, global address, size, bytes to read, m, text)
* commit_copies(m), wait_copies(groups that may be pending, m), wait_all_copies(m)
* load_matrix(address, count, transposed, m, text) -> `count` arrays of uint32, of all threads
* mma_tf32(a, b, c, m, text), mma_bf16(a, b, c, m, text): tuples of registers -> 4 arrays, of all
  threads
* shuffle(mode, value, b, c, m, members, text) -> values and predicates, of all threads; members:
  the mask of the lanes that take part, as in the PTX
* vote(mode, predicate, m, members, text) -> ballots (uint32) or predicates, of all threads
* everywhere(value) -> an array of it for all threads

and reads tid_x ... nctaid_z, laneid, warpid (uint32), and address_NAME (uint64) of each of the
kernel's constants.
"""

from emulator.translate import (  # noqa: F401  # they enter what they translate into HANDLERS
    approximations,
    bits,
    comparisons,
    conversions,
    floats,
    integers,
    memory,
    moves,
    warps,
)
from emulator.translate.names import DTYPES
from emulator.translate.opcodes import HANDLERS, canonical
from emulator.translate.translation import Translation

__all__ = ["DTYPES", "HANDLERS", "Translation", "canonical"]
