"""The matrices of Winograd's transforms (Lavin and Gray, 2015), computed from their points.

A correlation of `side` pixels with a filter of `size` taps gives side + 1 - size outputs.  It is
the transpose of a product of two polynomials, and that product is determined by its values at
`side` points, one of which is infinity.  In two dimensions

    y = A' [(G w G') . (B' x B)] A        dw = G' [(A dy A') . (B' x B)] G

where each row of A, B' and G belongs to a point, and ' denotes the transpose.  A tile takes side^2
products, instead of size^2 for each output.  Rows are lists of exact numbers.
"""

from fractions import Fraction
from math import prod

HALF = Fraction(1, 2)
# The finite points for each side of a tile.  They are in pairs p, -p, whose transforms share sums.
FINITE = {
    6: (0, 1, -1, 2, -2),
    7: (0, 1, -1, 2, -2, HALF),
    8: (0, 1, -1, 2, -2, HALF, -HALF),
}
SIDES = tuple(FINITE)
SIZES = (3, 5)  # of filters


def power_rows(side: int, count: int) -> list[list]:
    """Return A: the values at the points of a polynomial with `count` coefficients."""
    return [[p**k for k in range(count)] for p in FINITE[side]] + [[0] * (count - 1) + [1]]


def filter_rows(side: int, size: int) -> list[list]:
    """Return G: the powers of each point, over its distances to all other finite points."""
    points = FINITE[side]
    scales = [Fraction(prod(p - q for q in points if q != p)) for p in points] + [1]
    rows = power_rows(side, size)
    return [[n / scale for n in row] for row, scale in zip(rows, scales, strict=True)]


def input_rows(side: int) -> list[list]:
    """Return B': for each point, the polynomial that is zero at all other finite points."""
    rows = []
    for point in (*FINITE[side], None):
        row = [1]
        for zero in FINITE[side]:
            if zero != point:  # times (x - zero)
                row = [a - zero * b for a, b in zip([0, *row], [*row, 0], strict=True)]
        rows.append(row + [0] * (side - len(row)))
    return rows
