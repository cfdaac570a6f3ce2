"""How tiles of operands are copied to shared memory, as constants of a kernel."""

from typing import NamedTuple

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.ptx.warp_tiles import (
    BY_COLUMN,
    DEPTHS,
    PADDED_COLUMNS,
    PADDING,
    PLAIN,
    SWIZZLED,
    VALUE_BYTES,
)

ROWS, COLUMNS, WINDOW, MODULES = range(4)  # kinds of operands: see `tiles`
_LAYOUTS = (
    (PLAIN, PLAIN),
    (SWIZZLED, BY_COLUMN),
    (PLAIN, PADDED_COLUMNS),
)  # and where k is contiguous


class Tile(NamedTuple):
    """How tiles of an operand are copied: constants of a kernel.

    kind: of the operand.  columns, depth: of a tile.  layout, ld: in shared memory, see
    `warp_tiles`; column_step: the distance of neighboring columns there.  width: values a copy, 4
    or 1.

    The threads of a block form `step` rows of `across` threads, a power of two.  A row of threads
    copies along the contiguous dimension, which is columns for ROWS and WINDOW and k for the other
    kinds, and `strips` times where it is shorter than the tile.  The tile has `rows` rows of
    `length` values in that order.  even: whether all threads copy equally much.

    value_bytes: of a value in shared memory.  held: values that a thread keeps on their way, to
    round them; 0 if they are copied as they are.  spread: rows that half a warp then writes at
    once; they are 8 / spread apart, so that they meet different banks.
    """

    kind: int
    columns: int
    depth: int
    layout: int
    ld: int
    width: int
    across: int
    step: int
    strips: int
    column_step: int
    even: int
    rows: int
    length: int
    value_bytes: int
    held: int
    spread: int

    @classmethod
    def of(cls, kind: int, columns: int, precision: int, width: int, threads: int) -> "Tile":
        """Return the tile of a kind and size for a block of `threads` threads.

        precision: of the product, an index of base.PRECISIONS.
        """
        by_k, depth = kind in (COLUMNS, MODULES), DEPTHS[precision]
        layout = _LAYOUTS[precision][by_k]
        by_column = layout in (BY_COLUMN, PADDED_COLUMNS)
        ld = (depth if by_column else columns) + PADDING[precision]
        across = depth // width if by_k else _across(columns, depth, width, threads)
        step = threads // across
        strips = 1 if by_k else ceil_div(columns, across * width)
        rows, length = (columns, depth) if by_k else (depth, columns)
        even = rows % step == 0 and length % (across * width) == 0
        is_rounded = VALUE_BYTES[precision] == 2
        held = ceil_div(rows, step) * strips * width if is_rounded else 0
        spread = max(16 // across, 1) if is_rounded and width == 4 and step % 8 == 0 else 1
        return cls(
            kind, columns, depth, layout, ld, width, across, step, strips,
            ld if by_column else 1, even, rows, length, VALUE_BYTES[precision], held, spread,
        )  # fmt: skip

    @property
    def bytes(self) -> int:
        """The size of the tile in shared memory."""
        columns = self.columns if self.layout in (BY_COLUMN, PADDED_COLUMNS) else self.depth
        return columns * self.ld * self.value_bytes

    @property
    def places(self) -> int:
        """Values that `start_tiles` keeps."""
        return max(2 * self.strips, 3)


def _across(columns, depth, width, threads):
    """The length of a row of threads: if possible one where all copy equally much."""
    choices = [n for n in (32, 16, 8) if n * width <= columns or n == 8]
    even = [n for n in choices if columns % (n * width) == 0 and depth % (threads // n) == 0]
    fallback = next(n for n in (1, 2, 4, 8, 16, 32) if n >= min(32, columns // width))
    return even[0] if even else fallback
