"""The dropout family (paper, 4.2; docs/dialect.md, 3.8)."""

from convnet.language.fields import boolean, number
from convnet.layers.base import Dialect, Layer, Recorder, Saved, Values, register
from convnet.operations import dropout, elementwise


class _Dropout(Layer):
    """Base: in training each value is set to zero or not, at random; otherwise all are scaled."""

    needs_params = True
    uses_random = True

    keep: float
    enable: bool

    def saved_for_backward(self) -> dict[str, Saved]:
        return {"mask": Saved((self.input_shapes[0].size,), "uint8")}

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def share_kept(self) -> float:
        return self.keep

    def enabled(self) -> bool:
        return self.enable

    def learning(self) -> dict[str, object]:
        return {"keep": self.share_kept(), "enable": self.enabled()}

    def factors(self) -> tuple[float, float]:
        """What kept values are multiplied by in training, and all values otherwise."""
        return 1.0, self.share_kept()

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y = v.x[0].flat(), v.y.flat()
        in_training, otherwise = self.factors()
        if v.training and self.enabled():
            mask = v.saved["mask"]
            dropout.forward(ops, x, y, mask, self.share_kept(), in_training, v.random)
        else:
            elementwise.scale(ops, x, y, otherwise, False)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is None:
            return
        dy, dx = v.dy.flat(), v.dx[0].flat()
        in_training, otherwise = self.factors()
        if v.training and self.enabled():
            dropout.backward(ops, dy, v.saved["mask"], dx, in_training, v.adds[0])
        else:
            elementwise.scale(ops, dy, dx, otherwise, v.adds[0])


@register("hs")
class HalvingDropout(_Dropout):
    """Training: y = x where kept, else 0.  Test: y = keep·x   (paper, 4.2; 2012 source)

    With enable=false it still multiplies by keep, in training too.
    """

    dialects = ("chm",)
    keep = number(gt=0, le=1, help="share of the values kept")
    enable = boolean(file="params", help="false: multiply by keep in training too")


@register("dropout2")
class Dropout2(_Dropout):
    """Training: y = x where kept, else 0.  Test: y = keep·x   (paper, 4.2; cuda-convnet2)

    With enable=false it still multiplies by keep, in training too.
    """

    dialects = ("cc2",)
    keep = number(0.5, file="params", gt=0, le=1, help="share of the values kept")
    enable = boolean(True, file="params", help="false: multiply by keep in training too")


@register("dropout")
class Dropout(Dropout2):
    """Training: y = x/keep where kept, else 0.  Test: y = x   (cuda-convnet2)"""

    def factors(self) -> tuple[float, float]:
        return 1.0 / self.keep, 1.0


class KeyDropout(_Dropout):
    """What the `dropout=` key of cuda-convnet 1's params files puts behind the layer it names.

    Training: y = 0 for a share `rate` of the values.  Test: y = (1 - rate)·x.
    (docs/dialect.md, 3.8)
    """

    type_name = "dropout (key)"
    needs_params = False
    has_neuron = False

    def __init__(self, name: str, dialect: Dialect | None, rate: float):
        super().__init__(name, dialect)
        self.rate = rate

    def share_kept(self) -> float:
        return 1.0 - self.rate

    def enabled(self) -> bool:
        return True
