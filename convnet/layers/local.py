"""Locally connected layer: a convolution whose every output position has its own filters."""

from convnet.layers.base import Weight, register
from convnet.layers.conv import FilterLayer
from convnet.operations import local


@register("local")
class Local(FilterLayer):
    """As `conv`, without sharing: w and b differ at every output position   (docs/dialect.md, 3.3)

    Weights: (M·M, channels/groups, filterSize, filterSize, filters·groups); biases one an output.
    """

    product, weights_grad, images_grad = local.forward, local.weights_grad, local.images_grad
    ball_may_be_sphere = False

    def weights(self) -> list[Weight]:
        places = self.modules**2
        return [
            Weight(
                (places, seen, size, size, self.total),
                (places, seen * size * size, self.total),
                deviation,
            )
            for seen, size, deviation in zip(self.seen, self.filter_size, self.init_w, strict=True)
        ]

    def biases(self) -> Weight:
        count = self.total * self.modules**2
        return Weight((count,), (1, 1, count), constant=self.init_b)
