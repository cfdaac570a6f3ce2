"""Random pooling: one pixel of each window, in proportion to its value."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, size: int, stride: int, start: int, random: Array) -> None:
    """Sample a pixel of each window with a probability proportional to its value.

    Windows are those of `pool.forward`; values below 0 count as 0, and a window without a positive
    value gives its first pixel.  The output with flat index e in y takes the first pixel, in row
    order, at which the running sum exceeds u times the window's sum.  u = (word >> 8) * 2**-24;
    output e uses word e % 4 of group e // 4 of the Philox generator in the state `random`.  The
    gradient is that of `pool.backward` for max.

    x: (C, H, W, N); y: (C, M, M, N); random: uint32 (state,).

    Source: docs/dialect.md, 3.4.
    """
