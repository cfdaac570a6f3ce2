"""Convolution with shared filters (paper, 3.5; docs/dialect.md, 3.3)."""

from typing import ClassVar

from convnet.arithmetic import ceil_div
from convnet.language.fields import boolean, function, integer, number
from convnet.layers.base import (
    ArrayView,
    Layer,
    Recorder,
    Saved,
    Shape,
    Table,
    Values,
    Weight,
    register,
)
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, connections, conv, update
from convnet.operations.declaration import Array, Operation

FilterOperation = Operation[[Array, Array, Array, int, int, int, bool]]


class FilterLayer(WeightLayer):
    """Base of `conv` and `local`: filters over windows of one or several images.

    Window of output (my, mx): starts at (my*stride - padding, mx*stride - padding); pixels outside
    the image are zero.  M = 1 + ceil((S + 2*padding - filterSize) / stride) outputs a side.

    randSparse: group g sees the channels connections[g·n .. (g+1)·n), n = filterChannels, of a list
    of groups·n channels made of random permutations of all of them (docs/dialect.md, 3.3).
    """

    input_count = (1, 64)
    product: ClassVar[FilterOperation]
    weights_grad: ClassVar[FilterOperation]
    images_grad: ClassVar[FilterOperation]

    channels = integer(per_input=True, ge=1, help="channels of the input")
    filters = integer(per_input=True, ge=1, help="filters in each group")
    filter_size = integer(per_input=True, ge=1, help="side of the filters")
    padding = integer(0, per_input=True, ge=0, help="zero pixels added on each side")
    stride = integer(1, per_input=True, ge=1, help="distance between windows")
    groups = integer(
        1, per_input=True, ge=1, help="groups; each sees its own share of the channels"
    )
    rand_sparse = boolean(
        False,
        per_input=True,
        dialects=("cc1", "chm"),
        help="groups see random channels, drawn once (with several groups)",
    )
    filter_channels = integer(
        None,
        per_input=True,
        ge=1,
        dialects=("cc1", "chm"),
        help="channels a filter sees, with randSparse; by default channels / groups. More than "
        "that: a channel is seen by several groups",
    )
    init_c_func = function(
        None,
        dialects=("cc1", "chm"),
        help="function that draws the channels of randSparse groups. Called only if the user "
        "allows it",
    )
    modules_x = integer(
        0, key="modulesX", ge=0, dialects=("cc2",), help="output side M; 0: computed"
    )
    partial_sum = integer(
        None,
        ge=0,
        dialects=("cc1", "chm"),
        help="tuning of the original kernels, 0 or a divisor of M·M; otherwise ignored",
    )
    sum_width = integer(
        None, ge=0, dialects=("cc2",), help="tuning of the original kernels; ignored"
    )

    def prepare(self) -> None:
        super().prepare()
        self.check_contrasts()
        self.sides = [
            self.square_image(s, c, i)
            for i, (s, c) in enumerate(zip(self.input_shapes, self.channels, strict=True))
        ]
        self.total = self._agree(
            "filters", [f * g for f, g in zip(self.filters, self.groups, strict=True)]
        )
        self.seen = [self._seen_channels(i) for i in range(len(self.sides))]
        self.modules = self.modules_x or self._agree(
            "filterSize", [self._modules(i) for i in range(len(self.sides))]
        )
        self._check_modules()

    def check_contrasts(self) -> None:
        """Check the bounds on the filters' contrasts, of types that have them."""

    def output_shape(self) -> Shape:
        return Shape(self.total, self.modules, self.modules)

    def _agree(self, key: str, values: list[int]) -> int:
        if len(set(values)) > 1:
            what = {"filters": "filters times groups", "filterSize": "output sides"}[key]
            field_name = {"filters": "filters", "filterSize": "filter_size"}[key]
            raise self.wrong(
                field_name,
                f"{what} must be equal for all inputs, found {', '.join(map(str, values))}",
                None,
                "the outputs of all inputs are added up",
            )
        return values[0]

    def _seen_channels(self, i: int) -> int:
        channels, groups = self.channels[i], self.groups[i]
        if self.rand_sparse[i] and groups == 1:
            raise self.wrong(
                "rand_sparse",
                "randSparse needs several groups to spread the channels over, found groups=1",
                i,
            )
        seen = self.filter_channels[i] if self.rand_sparse[i] else None
        if seen is not None:
            if channels % seen or groups * seen % channels:
                raise self.wrong(
                    "filter_channels",
                    f"{seen} channels a filter do not spread evenly over {channels} channels in "
                    f"{groups} groups",
                    i,
                )
            return seen
        if channels % groups:
            raise self.wrong("groups", f"{channels} channels do not divide into {groups} groups", i)
        return channels // groups

    def _modules(self, i: int) -> int:
        room = self.sides[i] + 2 * self.padding[i] - self.filter_size[i]
        if room < 0:
            raise self.wrong(
                "filter_size",
                f"filters of side {self.filter_size[i]} do not fit {self.inputs[i].text}, an image "
                f"of side {self.sides[i]}, with padding {self.padding[i]}",
                i,
                f"the largest that fits is {self.sides[i] + 2 * self.padding[i]}",
            )
        return 1 + ceil_div(room, self.stride[i])

    def _check_modules(self) -> None:
        for i in range(len(self.sides)):
            covered = self.stride[i] * (self.modules - 1) + self.filter_size[i] - self.padding[i]
            if covered < self.sides[i] and self.modules_x:
                raise self.wrong(
                    "modules_x",
                    f"{self.modules} windows a side do not cover {self.sides[i]} pixels",
                    None,
                    f"0, or no modulesX, gives {self._modules(i)}",
                )
        if self.partial_sum and self.modules**2 % self.partial_sum:
            raise self.wrong(
                "partial_sum",
                f"partialSum must be 0 or divide the number of output positions, {self.modules}x"
                f"{self.modules} = {self.modules**2}, found {self.partial_sum}",
                None,
                "it tuned the original kernels and changes nothing here: 0 will do",
            )

    def sizes(self) -> dict[str, object]:
        return {
            "modulesX": self.modules,
            "groups": list(self.groups),
            "filterChannels": list(self.seen),
        }

    def tables(self) -> dict[str, Table]:
        """The channels that the groups see, of inputs with randSparse: group after group."""
        return {
            f"connections.{i}": Table(self.connected(i), permuted=self.channels[i], input=i)
            for i, sparse in enumerate(self.rand_sparse)
            if sparse
        }

    def connected(self, i: int) -> int:
        """Channels of all groups of an input together."""
        return self.groups[i] * self.seen[i]

    def shared_mismatch(self, index: int, other: Layer, at: int) -> str:
        """Why the connections of another layer's input cannot be used too; "" if they can."""
        if not self.rand_sparse[index] or not isinstance(other, FilterLayer):
            return ""
        if not other.rand_sparse[at]:
            return f"{other.name}[{at}] has no randSparse, whose connections could be shared"
        mine, theirs = (
            (layer.groups[i], layer.channels[i]) for layer, i in ((self, index), (other, at))
        )
        if mine != theirs:
            return (
                f"shared connections must have the same groups and channels; {other.name}[{at}] "
                f"has {theirs[0]} groups of {theirs[1]} channels, not {mine[0]} of {mine[1]}"
            )
        return ""

    def saved_for_backward(self) -> dict[str, Saved]:
        """Images with a copy of each channel for each group that sees it."""
        return {
            f"gathered.{i}": Saved((self.connected(i), self.sides[i], self.sides[i]))
            for i, sparse in enumerate(self.rand_sparse)
            if sparse
        }

    def multiply_adds(self) -> int:
        taps = sum(c * k * k for c, k in zip(self.seen, self.filter_size, strict=True))
        return self.total * self.modules**2 * taps

    def backward_reads_output(self) -> bool:
        return False

    def image(self, view: ArrayView, i: int) -> ArrayView:
        return view.shaped(self.channels[i], self.sides[i], self.sides[i])

    def maps(self, view: ArrayView) -> ArrayView:
        return view.shaped(self.total, self.modules, self.modules)

    def bias_rows(self, view: ArrayView) -> ArrayView:
        return view.flat()

    def geometry(self, i: int) -> tuple[int, int, int]:
        return self.padding[i], self.stride[i], self.groups[i]

    def forward(self, ops: Recorder, v: Values) -> None:
        for i, x in enumerate(v.x):
            image = self.image(x, i)
            if self.rand_sparse[i]:
                gathered = v.saved[f"gathered.{i}"]
                connections.gather(ops, image, v.tables[f"connections.{i}"], gathered)
                image = gathered
            self.product(ops, image, v.w[i], self.maps(v.y), *self.geometry(i), i > 0)
        bias.forward(ops, v.b, self.bias_rows(v.y))

    def backward(self, ops: Recorder, v: Values) -> None:
        dy = self.maps(v.dy)
        for i, (dw, dx) in enumerate(zip(v.dw, v.dx, strict=True)):
            if dw is not None:
                sparse = self.rand_sparse[i]
                image = v.saved[f"gathered.{i}"] if sparse else self.image(v.x[i], i)
                self.weights_grad(ops, image, dy, dw, *self.geometry(i), v.w_adds[i])
            if dx is not None:
                self._record_images_grad(ops, v, i, self.image(dx, i))
        if v.db is not None:
            bias.grad(ops, self.bias_rows(v.dy), v.db, v.b_adds)

    def _record_images_grad(self, ops: Recorder, v: Values, i: int, dx: ArrayView) -> None:
        dy = self.maps(v.dy)
        if self.rand_sparse[i]:
            gathered = v.saved[f"gathered.{i}"]  # not needed any more: the gradient goes there
            self.images_grad(ops, dy, v.w[i], gathered, *self.geometry(i), False)
            connections.scatter(ops, gathered, v.tables[f"connections.{i}"], dx, v.adds[i])
        else:
            self.images_grad(ops, dy, v.w[i], dx, *self.geometry(i), v.adds[i])


@register("conv")
class Convolution(FilterLayer):
    """y[f,my,mx] = b[f] + sum over inputs, channels of f's group and window of w·x   (paper, 3.5)

    Several inputs are summed; each has its own weights, `channels × filterSize²` a filter and
    group.  Cross-correlation: the filter is not flipped.  Weights: (channels/groups, filterSize,
    filterSize, filters·groups).
    """

    can_become_local = True
    sums_shared_gradients = True

    product, weights_grad, images_grad = conv.forward, conv.weights_grad, conv.images_grad

    shared_biases = boolean(True, help="one bias a filter; false: one for each output")
    wc_norm_max = number(
        0.0,
        file="params",
        per_input=True,
        ge=0,
        dialects=("chm", "cc2"),
        help="largest contrast of a filter: sqrt(sum of (w - mean)²) / weights; 0: unbounded",
    )
    wc_norm_min = number(
        0.0,
        file="params",
        per_input=True,
        ge=0,
        dialects=("chm", "cc2"),
        help="least contrast of a filter",
    )

    def check_contrasts(self) -> None:
        for i, (low, high) in enumerate(zip(self.wc_norm_min, self.wc_norm_max, strict=True)):
            if high and low > high:
                raise self.wrong("wc_norm_min", f"wcNormMin {low:g} exceeds wcNormMax {high:g}", i)

    def weights(self) -> list[Weight]:
        return [
            Weight((seen, size, size, self.total), (1, seen * size * size, self.total), deviation)
            for seen, size, deviation in zip(self.seen, self.filter_size, self.init_w, strict=True)
        ]

    def biases(self) -> Weight:
        count = self.total if self.shared_biases else self.total * self.modules**2
        return Weight((count,), (1, 1, count), constant=self.init_b)

    def bias_rows(self, view: ArrayView) -> ArrayView:
        return view.merged(self.total) if self.shared_biases else view.flat()

    def constrain(self, ops: Recorder, index: int, weight: Weight, value: ArrayView) -> None:
        high = self.wc_norm_max[index]
        if high > 0:
            update.contrast(ops, value.shaped(*weight.blocks), self.wc_norm_min[index], high)
        super().constrain(ops, index, weight, value)

    def learning(self) -> dict[str, object]:
        norms = {"wcNormMax": list(self.wc_norm_max), "wcNormMin": list(self.wc_norm_min)}
        return {**super().learning(), **self.read_here(norms)}
