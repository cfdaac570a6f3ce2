"""Images at random scales and places."""

from math import floor

from convnet.language.fields import integer, number
from convnet.layers.base import ImageLayer, Recorder, Shape, Values, register
from convnet.operations import crop, resize, rscale


@register("rscale")
class RandomScale(ImageLayer):
    """y = a random square of x at a random scale   (docs/dialect.md, 3.7)

    In training, for each case: with n = S - floor(S/maxScale) + 1, t in 0..n-1 is sampled with
    probability proportional to (t+1)², and size = tgtSize + t; the factor is uniform between
    max(1, S/(1+size)) and S/size; the square, of side tgtSize, lies uniformly in the size x size
    image, which is interpolated as by `resize`.  If size = S the image is not scaled.

    In a test: the image resized by maxScale to tgtSize; in the files of the 2012 source the center
    square instead.  cuda-convnet 1 has no tgtSize: it is floor(S/maxScale).  No backward pass:
    refused above layers with weights.
    """

    needs_no_gradient = True
    uses_random = True

    channels = integer(ge=1, help="channels of the input")
    max_scale = number(ge=1, le=2, help="largest factor by which images are shrunk")
    tgt_size = integer(
        None,
        ge=1,
        dialects=("chm", "cc2"),
        help="side of the output, from floor(S/maxScale) to S; required, not in cuda-convnet 1",
    )

    def prepare(self) -> None:
        super().prepare()
        self.smallest = floor(self.side / self.max_scale)
        computed = self.dialect is not None and self.dialect.rscale_computes_side
        wanted = self.smallest if computed else self.tgt_size
        if wanted is None:
            raise self.wrong(
                "tgt_size", "has no tgtSize, which is required", None, self._sides_allowed()
            )
        self.outputs_side = wanted
        if not max(1, self.smallest) <= self.outputs_side <= self.side:
            raise self.wrong(
                "tgt_size",
                f"tgtSize must be at least {max(1, self.smallest)} and at most {self.side}, found "
                f"{self.outputs_side}",
                None,
                self._sides_allowed(),
            )

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.outputs_side, self.outputs_side)

    def _sides_allowed(self) -> str:
        return f"from floor(S/maxScale) = {max(1, self.smallest)} to S = {self.side}"

    def sizes(self) -> dict[str, object]:
        return {"tgtSize": self.outputs_side}

    def multiply_adds(self) -> int:
        return 4 * self.channels * self.outputs_side**2

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        x = self.image(v.x[0])
        y = v.y.shaped(self.channels, self.outputs_side, self.outputs_side)
        if v.training:
            rscale.forward(ops, x, y, self.side - self.smallest + 1, v.random)
        elif self.dialect is not None and self.dialect.rscale_tests_on_center:
            start = (self.side - self.outputs_side) // 2
            crop.forward(ops, x, y, start, start)
        else:
            resize.forward(ops, x, y, self.max_scale)

    def backward(self, ops: Recorder, v: Values) -> None:
        pass
