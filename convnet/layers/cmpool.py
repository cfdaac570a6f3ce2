"""Pooling across maps."""

from convnet.arithmetic import ceil_div
from convnet.language.fields import choice, integer
from convnet.layers.base import ImageLayer, Recorder, Shape, Values, register
from convnet.operations import cmpool


@register("cmpool")
class CrossMapPool(ImageLayer):
    """y[o] = max of `size` maps from start + o·stride on, at each pixel   (docs/dialect.md, 3.5)

    Windows are clipped to the maps there are and must reach the last one.  Every map equal to the
    maximum receives the whole gradient.  outputs = ceil((channels - start - size) / stride) + 1
    unless given; in cuda-convnet2 it is required.
    """

    dialects = ("cc2",)
    pool = choice("max", help="the value that a window gives")
    channels = integer(ge=1, help="channels of the input")
    size = integer(ge=1, help="maps in a window")
    stride = integer(ge=1, help="distance between windows, at most size")
    start = integer(0, le=0, help="first window's place, 0 or less")
    outputs = integer(0, ge=0, help="number of output maps; 0: computed")

    def prepare(self) -> None:
        super().prepare()
        for name, field_name, bound in [
            ("channels", "size", self.channels),
            ("size", "stride", self.size),
        ]:
            value = self.field_value(field_name)
            if value > bound:
                raise self.wrong(field_name, f"{field_name} {value} exceeds {name}, {bound}")
        if self.start + self.size <= 0:
            raise self.wrong("start", f"the first window, at {self.start}, holds no map")
        self.maps = self.outputs or self._computed()
        self._check_coverage()

    def output_shape(self) -> Shape:
        return Shape(self.maps, self.side, self.side)

    def _computed(self) -> int:
        return ceil_div(self.channels - self.start - self.size, self.stride) + 1

    def _check_coverage(self) -> None:
        last = self.start + (self.maps - 1) * self.stride
        if last + self.size < self.channels or last >= self.channels:
            raise self.wrong(
                "outputs",
                f"{self.maps} windows of {self.size} maps, the last at {last}, do not fit "
                f"{self.channels} channels",
                None,
                f"0, or no outputs, gives {self._computed()}",
            )

    def multiply_adds(self) -> int:
        return self.maps * self.size * self.side**2

    def window(self) -> tuple[int, int, int]:
        return self.size, self.stride, self.start

    def forward(self, ops: Recorder, v: Values) -> None:
        y = v.y.shaped(self.maps, self.side, self.side)
        cmpool.forward(ops, self.image(v.x[0]), y, *self.window())

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            x, dx = self.image(v.x[0]), self.image(v.dx[0])
            y, dy = (view.shaped(self.maps, self.side, self.side) for view in (v.y, v.dy))
            cmpool.backward(ops, x, y, dy, dx, *self.window(), v.adds[0])
