"""RGB to CIE Lab."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, center: bool) -> None:
    """Convert from RGB in 0..1 to L, a, b; `center` subtracts 50 from L.

    X = 0.49 R + 0.31 G + 0.2 B, Y = 0.17697 R + 0.8124 G + 0.01063 B, Z = 0.01 G + 0.99 B;
    f(t) = t**0.3333 above 0.0088564517, else 7.787037 t + 0.13793103;
    L = 116 f(Y) - 16, a = 500 (f(X) - f(Y)), b = 200 (f(Y) - f(Z)).

    x, y: (3, pixels, N).

    Source: docs/dialect.md, 3.7.
    """
