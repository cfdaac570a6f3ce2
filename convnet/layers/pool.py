"""Pooling, overlapping or not (paper, 3.4)."""

from convnet.arithmetic import ceil_div
from convnet.language.fields import boolean, choice, integer
from convnet.layers.base import ArrayView, ImageLayer, Recorder, Shape, Values, register
from convnet.operations import pool, pool_random


@register("pool")
class Pool(ImageLayer):
    """y = max, mean, sum or value of largest magnitude over windows

    (paper, 3.4; docs/dialect.md, 3.4).  Window of output o starts at start + o·stride and is
    clipped to the image: pixels outside never count, the mean divides by the pixels inside.  Every
    pixel equal to the maximum receives the whole gradient.  Unless given,
    outputsX = ceil((S - start - sizeX) / stride) + 1.

    `rand` samples one pixel of each window, with a probability proportional to its value, again in
    each step, in tests too.  Values below 0 count as 0; if all are 0, the first pixel is the
    output.  The pixels equal to the sampled one receive the gradient.  This kernel of the 2012
    source was never published; the rule is the likely meaning of its name.
    """

    pool = choice("max", "maxabs", "avg", "rand", help="the value that a window gives")
    channels = integer(ge=1, help="channels of the input")
    size_x = integer(key="sizeX", ge=1, help="side of the window")
    stride = integer(ge=1, help="distance between windows, at most sizeX")
    start = integer(0, help="first window's place; negative: over the border")
    outputs_x = integer(0, key="outputsX", ge=0, help="output side; 0: computed")
    sum = boolean(False, dialects=("cc2",), help="avg: the sum instead of the mean")
    do_max = boolean(
        False, file="params", dialects=("chm",), help="rand: take the maximum after all"
    )

    def prepare(self) -> None:
        super().prepare()
        if self.size_x > self.side:
            raise self.wrong("size_x", f"sizeX {self.size_x} exceeds the image side, {self.side}")
        if self.stride > self.size_x:
            raise self.wrong(
                "stride",
                f"stride {self.stride} exceeds sizeX, {self.size_x}",
                None,
                "pixels between the windows would be lost",
            )
        computed = ceil_div(self.side - self.start - self.size_x, self.stride) + 1
        self.outputs_side = self.outputs_x or computed
        self._check_windows(computed)

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.outputs_side, self.outputs_side)

    def _check_windows(self, computed: int) -> None:
        last = self.start + (self.outputs_side - 1) * self.stride
        if self.outputs_side < 1 or self.start + self.size_x <= 0:
            raise self.wrong("start", f"the first window, at {self.start}, lies outside the image")
        if last >= self.side:
            field_name = "outputs_x" if self.outputs_x else "start"
            raise self.wrong(
                field_name,
                f"the last of {self.outputs_side} windows starts at pixel {last}, outside an image "
                f"of side {self.side}",
                None,
                f"0, or no outputsX, gives {computed}" if self.outputs_x else "",
            )

    @property
    def kind(self) -> str:
        if self.pool == "avg":
            return "sum" if self.sum else "avg"
        return "max" if self.pool == "rand" else self.pool

    @property
    def uses_random(self) -> bool:
        return self.pool == "rand" and not self.do_max

    def sizes(self) -> dict[str, object]:
        return {"outputsX": self.outputs_side}

    def learning(self) -> dict[str, object]:
        return {"doMax": self.do_max} if self.pool == "rand" else {}

    def multiply_adds(self) -> int:
        return self.channels * (self.outputs_side * self.size_x) ** 2

    def backward_reads_input(self) -> bool:
        return self.pool != "avg"

    def backward_reads_output(self) -> bool:
        return self.pool != "avg"

    def outputs(self, view: ArrayView) -> ArrayView:
        return view.shaped(self.channels, self.outputs_side, self.outputs_side)

    def window(self) -> tuple[str, int, int, int]:
        return self.kind, self.size_x, self.stride, self.start

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y = self.image(v.x[0]), self.outputs(v.y)
        if self.uses_random:
            pool_random.forward(ops, x, y, self.size_x, self.stride, self.start, v.random)
        else:
            pool.forward(ops, x, y, *self.window())

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            x, dx = self.image(v.x[0]), self.image(v.dx[0])
            y, dy = self.outputs(v.y), self.outputs(v.dy)
            pool.backward(ops, x, y, dy, dx, *self.window(), v.adds[0])
