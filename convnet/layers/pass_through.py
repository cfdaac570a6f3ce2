"""Joining without copying (cuda-convnet2)."""

from convnet.layers.base import register
from convnet.layers.concat import Concat


@register("pass")
class Pass(Concat):
    """The values of `concat`, without a copy: the inputs write into this layer's memory

    (docs/dialect.md, 3.7).  An input that several such layers join is copied by all but one.
    """

    dialects = ("cc2",)
    joins_in_place = True

    def backward_reads_output(self) -> bool:
        return True  # it holds the inputs' own values: nothing may overwrite them
