"""Dropout."""

from convnet.operations.declaration import Array, operation


@operation(writes="y mask")
def forward(x: Array, y: Array, mask: Array, keep: float, scale: float, random: Array) -> None:
    """Sample a mask and apply it: mask = u < keep, y = x * mask * scale.

    u = (word >> 8) * 2**-24; element e uses word e % 4 of group e // 4 of the Philox generator in
    the state `random`.

    x, y: (rows, N), which may be one array; mask: uint8 (rows, N); random: uint32 (state,).

    Source: paper, 4.2; docs/dialect.md, 3.8.
    """


@operation(writes="dx")
def backward(dy: Array, mask: Array, dx: Array, scale: float, accumulate: bool) -> None:
    """Compute dx (+)= dy * mask * scale.

    dy, dx: (rows, N), which may be one array; mask: uint8 (rows, N).

    Source: paper, 4.2; docs/dialect.md, 3.8.
    """
