"""Windows along an axis, and what must be added to the axis so that all of them are whole."""

from dataclasses import dataclass

from convnet.layers.conv import FilterLayer
from convnet.layers.pool import Pool


@dataclass(frozen=True)
class Windows:
    """`count` windows of `size` places, `stride` apart, over an axis of `side` places.

    first: where the first one starts; below 0, it hangs over the beginning.
    """

    side: int
    size: int
    stride: int
    first: int
    count: int

    @property
    def before(self) -> int:
        """Places to add in front; negative: to drop, since no window reaches them."""
        return -self.first

    @property
    def after(self) -> int:
        """Places to add at the end; negative: to drop."""
        return self.first + (self.count - 1) * self.stride + self.size - self.side

    @property
    def padded(self) -> int:
        """Places from the beginning of the first window to the end of the last one."""
        return self.side + self.before + self.after


def filter_windows(layer: FilterLayer, index: int) -> Windows:
    """Return the windows of an input of a `conv` or `local` layer (docs/dialect.md, 3.3)."""
    return Windows(
        layer.sides[index],
        layer.filter_size[index],
        layer.stride[index],
        -layer.padding[index],
        layer.modules,
    )


def pool_windows(layer: Pool) -> Windows:
    """Return the windows of a `pool` layer (docs/dialect.md, 3.4)."""
    return Windows(layer.side, layer.size_x, layer.stride, layer.start, layer.outputs_side)


def centered_windows(side: int, size: int) -> Windows:
    """Return the windows of a normalization: one for each place, from place - size//2 on.

    (docs/dialect.md, 3.6)
    """
    return Windows(side, size, 1, -(size // 2), side)
