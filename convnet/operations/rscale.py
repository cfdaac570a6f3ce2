"""Images at random scales and places."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, scales: int, random: Array) -> None:
    """Resize each image at random and crop a random square of it.

    A case samples, from the Philox generator in the state `random`, four numbers
    u = (word >> 8) * 2**-24, the words of group n for case n: the size M + t, t in 0..scales-1 with
    probability proportional to (t + 1)**2; the factor, uniform between max(1, S / (1 + size)) and
    S / size; the row and the column of the square in the size x size image.  An image of size S
    keeps its pixels.  Tests use `resize` or `crop` instead.

    x: (C, S, S, N); y: (C, M, M, N); random: uint32 (state,).

    Source: docs/dialect.md, 3.7.
    """
