"""The views of an image that a test averages over (docs/dialect.md, 9.2)."""

from convnet.errors import DataError

_TEN_VIEWS = ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2))  # (y, x) in borders
_NINE_VIEWS = tuple((y, x) for y in range(3) for x in range(3))


def check_views(count: int) -> None:
    """Raise a DataError unless `count` is 1, 9 or 10."""
    if count not in (1, 9, 10):
        raise DataError(f"images are tested in 1, 9 or 10 views, not {count}")


def view_positions(count: int) -> list[tuple[int, int, bool]]:
    """Return (y, x, mirrored) of each view; y and x in borders, the width of a center crop's rim.

    1: the center.  9: a 3x3 grid.  10: the corners and the center, then their mirror images.
    """
    if count == 1:
        return [(1, 1, False)]
    if count == 9:
        return [(y, x, False) for y, x in _NINE_VIEWS]
    return [(y, x, flipped) for flipped in (False, True) for y, x in _TEN_VIEWS]
