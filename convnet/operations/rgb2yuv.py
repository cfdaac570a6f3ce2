"""RGB to YUV."""

from convnet.operations.declaration import Array, operation

FROM_RGB = (
    (0.2126, 0.7152, 0.0722),
    (-0.09991, -0.33609, 0.436),
    (0.615, -0.55861, -0.05639),
)
"""Y, U and V of red, green and blue."""


@operation(writes="y")
def forward(x: Array, y: Array) -> None:
    """Convert from RGB to Y, U, V: y = FROM_RGB x at each pixel.

    x, y: (3, pixels, N).

    Source: docs/dialect.md, 3.7.
    """
