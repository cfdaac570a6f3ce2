"""What a layer type is: fields, shape, memory it keeps, and the order of its calls.

Layers hold no arrays and do no arithmetic.  `forward` and `backward` are called once, when the plan
of a network is made; the calls they make on `ops` become the steps that are run at every minibatch.
"""

from dataclasses import dataclass, field
from math import isqrt, prod
from typing import ClassVar, NamedTuple

from convnet.language.fields import Field, choice, devices, names, number, text

LAYER_TYPES: dict[str, type["Layer"]] = {}


def register(type_name: str):
    """Class decorator: the class is the layer type of that name in spec files."""

    def add(cls):
        cls.type_name = type_name
        LAYER_TYPES[type_name] = cls
        return cls

    return add


class Shape(NamedTuple):
    """Values of one case: channels, rows, columns.  Flat values are (n, 1, 1)."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def size(self) -> int:
        return self.channels * self.height * self.width

    def __str__(self):
        flat = self.height == self.width == 1
        return str(self.channels) if flat else f"{self.channels}x{self.height}x{self.width}"


class FieldError(Exception):
    """A field's value does not fit; the builder adds the place in the file."""

    def __init__(self, field_name: str, message: str, index: int | None = None, hint: str = ""):
        super().__init__(message)
        self.field_name, self.message, self.index, self.hint = field_name, message, index, hint


@dataclass(frozen=True)
class Weight:
    """A parameter array of a layer: its shape and how it starts.

    deviation: standard deviation of the normal distribution drawn from; constant is added.
    fan_in: weights that meet in one output.  blocks: (blocks, weights a filter, filters), the
    three-dimensional view in which each filter is one column (for norm constraints).
    drawn: how many of the first rows are drawn, the others being constant; None: all.
    """

    shape: tuple[int, ...]
    blocks: tuple[int, int, int]
    deviation: float = 0.0
    constant: float = 0.0
    drawn: int | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Kept:
    """Memory a layer keeps from forward to backward: values per case, and their type.

    dtype: "real" (the network's float type) or a NumPy type name.  at_input: on the first input's
    device instead of the layer's own.
    """

    shape: tuple[int, ...]
    dtype: str = "real"
    at_input: bool = False


@dataclass(frozen=True)
class Table:
    """Whole numbers that a layer's calls read, the same in every minibatch.

    values: the numbers; or, where None, `size` numbers from random permutations of `permuted`
    channels, one behind the other, drawn once and saved with the weights.  input: the input whose
    weights they belong to; where those are shared, so are they.
    """

    size: int
    values: tuple[int, ...] | None = None
    permuted: int = 0
    input: int | None = None


@dataclass
class Values:
    """The arrays of one layer, while its calls are recorded.

    x, y: inputs and output.  w, b: weights by input, biases.  kept: by name.  dy, dx, dw, db: their
    gradients, None where none is wanted.  adds[i]: dx[i] already holds another reader's gradient.
    w_adds[i], b_adds: dw[i], db already hold the gradient of another user of the same weights.
    costs: the numbers a cost layer reports.  random: the state of the random numbers.  tables: by
    name.
    """

    x: list
    y: object = None
    w: list = field(default_factory=list)
    b: object = None
    kept: dict = field(default_factory=dict)
    dy: object = None
    dx: list = field(default_factory=list)
    adds: list = field(default_factory=list)
    dw: list = field(default_factory=list)
    w_adds: list = field(default_factory=list)
    db: object = None
    b_adds: bool = False
    costs: object = None
    random: object = None
    training: bool = False
    tables: dict = field(default_factory=dict)


class Layer:
    """Base of all layer types.  Class attributes that are Fields are the keys of the type."""

    type_name: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field]] = {}
    input_count: ClassVar[tuple[int, int]] = (1, 1)
    needs_params: ClassVar[bool] = False  # a section in the params file is required
    uses_random: ClassVar[bool] = False
    has_neuron: ClassVar[bool] = True  # `neuron=` may be given
    needs_no_gradient: ClassVar[bool] = False  # no backward pass: refused above layers with weights
    dialects: ClassVar[tuple[str, ...]] = ("cc1", "chm", "cc2")

    type = text(help="the layer type")
    inputs = names(help="layers whose outputs are read, in order")
    neuron = text(None, help="nonlinearity of the outputs, such as relu; see the type `neuron`")
    gpu = devices(
        None,
        dialects=("chm", "cc2"),
        help="device, or devices of the replicas; by default those of the first input",
    )
    dropout = number(
        0.0,
        ge=0,
        lt=1,
        file="params",
        dialects=("cc1",),
        help="share of the outputs set to zero in training",
    )
    quant_f = choice(
        "default",
        "half",
        default="default",
        file="params",
        dialects=("chm",),
        help="half: activities go to other devices as 16-bit floats",
    )
    quant_b = choice(
        "default",
        "half",
        default="default",
        file="params",
        dialects=("chm",),
        help="half: gradients come back from other devices as 16-bit floats",
    )

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.fields = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Field):
                    cls.fields[name] = value
                elif value is None:
                    cls.fields.pop(name, None)  # a type drops a key with `key = None`

    def __init__(self, name: str, dialect=None):
        self.name, self.dialect = name, dialect

    # -- shape ----------------------------------------------------------------------------------

    def output_shape(self, inputs: list[Shape]) -> Shape:
        """The output's shape; called once, checks the fields against the inputs (FieldError)."""
        raise NotImplementedError

    def weights(self) -> list[Weight]:
        """One weight array an input, or none (after `output_shape`)."""
        return []

    def biases(self) -> Weight | None:
        return None

    def keeps(self) -> dict[str, Kept]:
        """Memory kept from forward to backward, by name."""
        return {}

    def tables(self) -> dict[str, Table]:
        """Whole numbers that the calls read, by name."""
        return {}

    def multiply_adds(self) -> int:
        """Multiply-adds of one case, forward."""
        return 0

    def sizes(self) -> dict[str, object]:
        """Derived sizes worth telling, under the names of the original systems."""
        return {}

    def learning(self) -> dict[str, object]:
        """Parameters from the params file as they act (`describe --json`)."""
        return {}

    def read_here(self, values: dict[str, object]) -> dict[str, object]:
        """Those of `values` (by key) whose keys the files' dialect reads."""
        names = self.dialect.names if self.dialect else ("convnet",)
        known = {field.key: field.dialects for field in self.fields.values()}
        return {
            key: value
            for key, value in values.items()
            if "convnet" in names or not known[key] or set(names) & set(known[key])
        }

    def missing(self) -> list[tuple[str, str]]:
        """What the spec asks for and this version cannot run yet: (field name, message)."""
        return []

    # -- what backward reads (decides which arrays may share memory) ------------------------------

    def backward_reads_input(self) -> bool:
        return True

    def backward_reads_output(self) -> bool:
        return True

    def may_work_in_place(self) -> bool:
        return False

    def differentiates(self, index: int) -> bool:
        """Whether backward gives a gradient to input `index` (labels get none)."""
        return not self.needs_no_gradient

    # -- calls ------------------------------------------------------------------------------------

    def forward(self, ops, v: Values) -> None:
        raise NotImplementedError

    def backward(self, ops, v: Values) -> None:
        raise NotImplementedError

    # -- for subclasses ----------------------------------------------------------------------------

    def wrong(self, field_name: str, message: str, index: int | None = None, hint: str = ""):
        return FieldError(field_name, f"{self.name}: {message}", index, hint)

    def same_size(self, inputs: list[Shape]) -> Shape:
        """The common shape of all inputs, for elementwise layers."""
        for index, shape in enumerate(inputs[1:], 1):
            if shape.size != inputs[0].size:
                raise self.wrong(
                    "inputs",
                    f"inputs must be of one size, found {inputs[0]} ({self.inputs[0].text}) "
                    f"and {shape} ({self.inputs[index].text})",
                    index,
                )
        return inputs[0]

    def square_image(self, shape: Shape, channels: int, index: int | None = None) -> int:
        """Side of the input seen as `channels` square maps (dialect, 3: the square check)."""
        side = isqrt(shape.size // channels)
        square = shape.size % channels == 0 and side * side == shape.size // channels
        is_image = shape.height > 1
        if square and (channels == shape.channels or not is_image or self._reads_any_square()):
            return side
        which = self.inputs[index or 0].text
        if is_image and channels != shape.channels:
            message = f"expects {channels} channels from {which}, which produces {shape.channels}"
            hint = f"{which} is {shape}: write channels={shape.channels}"
        else:
            message = f"expects {channels} channels of square maps from {which}, which is {shape}"
            hint = f"{shape.size} values are not {channels} times a square"
        raise self.wrong("channels", message, index, hint)

    def _reads_any_square(self) -> bool:
        """The original systems read any values that make squares, whatever made them."""
        return self.dialect is not None and self.dialect.name != "convnet"


class ImageLayer(Layer):
    """A layer over the maps of one image input."""

    channels = None

    def output_shape(self, inputs):
        self.side = self.square_image(inputs[0], self.channels)
        return Shape(self.channels, self.side, self.side)

    def image(self, view):
        return view.shaped(self.channels, self.side, self.side)
