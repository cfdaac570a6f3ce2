"""Copies between devices: the only operations on arrays of two devices."""

from convnet.operations.declaration import Array, operation


@operation(writes="dst")
def copy(src: Array, dst: Array) -> None:
    """Copy an array: dst = src.

    src, dst: (...), of one shape and type.

    Source: docs/dialect.md, 8.1.
    """


@operation(writes="dst")
def copy_half(src: Array, dst: Array) -> None:
    """Copy an array, rounded to 16-bit floats; values beyond their range become infinite.

    src, dst: (...), of one shape and type.

    Source: docs/dialect.md, 6.1 (`quantF`, `quantB`).
    """
