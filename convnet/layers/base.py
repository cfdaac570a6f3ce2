"""What a layer type is: fields, shape, memory, and the order of its calls.

Layers hold no arrays and do no arithmetic.  `forward` and `backward` are called while the plan of a
network is made; the calls that they record become the steps that run for every minibatch.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from typing import Any, ClassVar, TypeVar

from convnet.language.fields import Field, choice, devices, names, number, text
from convnet.layers.declarations import (
    NO_FACTS,
    DataFacts,
    Dialect,
    FieldError,
    Saved,
    Shape,
    Table,
    Weight,
)
from convnet.layers.nonlinearity import Nonlinearity
from convnet.layers.values import NO_ARRAY, ArrayView, UpdateArrays, Values
from convnet.operations.declaration import Recorder

__all__ = [
    "LAYER_TYPES",
    "NO_ARRAY",
    "ArrayView",
    "DataFacts",
    "Dialect",
    "FieldError",
    "ImageLayer",
    "Layer",
    "Recorder",
    "Saved",
    "Shape",
    "Table",
    "UpdateArrays",
    "Values",
    "Weight",
    "register",
]

LAYER_TYPES: dict[str, type["Layer"]] = {}


L = TypeVar("L", bound="Layer")


def register(type_name: str) -> Callable[[type[L]], type[L]]:
    """Class decorator: the class is the layer type of that name in spec files."""

    def add(cls: type[L]) -> type[L]:
        cls.type_name = type_name
        LAYER_TYPES[type_name] = cls
        return cls

    return add


class Layer:
    """Base of all layer types, and the contract between a type and the rest of the program.

    A layer holds no arrays and does no arithmetic: it checks its keys, answers questions about
    sizes and memory, and records calls of operations.  To add a type, derive a class from `Layer`
    (`ImageLayer` for the maps of one image, `WeightLayer` for weights and biases, `Cost` for a term
    of the objective) and decorate it with `@register("name in spec files")`.  Class attributes that
    are Fields are its keys; their values become attributes of the same names.  Override the hooks
    below whose defaults do not fit: `forward` and `backward` always, and `prepare` and
    `output_shape` unless the output has the shape of the first input.

    A layer is used in this order:

    1. Constructed: `LAYER_TYPES[type_name](name, dialect)`.
    2. Fields read: the builder calls `set_field` once for each key, with the default where the key
       is absent, and `set_nonlinearity` for types with `requires_neuron`.
    3. Inputs bound: the builder calls `bind`, which calls `prepare`, and then `check_inputs`.  Both
       raise FieldError, which the builder reports at the field's place in the file.
    4. Asked, any number of times and in any order: all other hooks, from `output_shape` on.  None
       of them changes the layer.  At the end of the build `fuse` may be called, once.
    5. Recorded: `forward` and `backward` are called while the plan is made, once for each place
       where a program runs the layer.  They do not change the layer either.
    """

    # -- what the type is --------------------------------------------------------------------------

    type_name: ClassVar[str] = ""
    """The type's name in spec files; set by `register`."""
    fields: ClassVar[dict[str, Field]] = {}
    """The type's Fields by attribute name; collected when the class is made."""
    dropped_fields: ClassVar[tuple[str, ...]] = ()
    """Fields of the base classes that this type does not read; their values are None."""
    dialects: ClassVar[tuple[str, ...]] = ("cc1", "chm", "cc2")
    """The original systems that have the type."""
    input_count: ClassVar[tuple[int, int]] = (1, 1)
    """The least and the largest number of inputs."""
    needs_params: ClassVar[bool] = False
    """A section in the params file is required."""
    has_neuron: ClassVar[bool] = True
    """The key `neuron` may be given, and puts a neuron layer behind this one."""
    requires_neuron: ClassVar[bool] = False
    """The key `neuron` must be given, and is what the layer itself computes."""
    is_data: ClassVar[bool] = False
    """The layer's output comes from the data source: it lives on the host and is never run."""
    is_cost: ClassVar[bool] = False
    """The layer is a `Cost`: a term of the objective, with no output that others can read."""
    needs_no_gradient: ClassVar[bool] = False
    """The type has no backward pass, so it is refused above layers with weights."""
    joins_in_place: ClassVar[bool] = False
    """The output is the inputs one after the other (`slices`), which may write straight into it."""
    can_become_local: ClassVar[bool] = False
    """The same filters act at every position, so `convnet untie` can make a `local` layer of it."""
    sums_shared_gradients: ClassVar[bool] = False
    """Users of shared weights add to one gradient, which learns at the owner's rate.

    Where False, each user's gradient is scaled by its own rate (docs/dialect.md, 5.2).
    """
    classifies: ClassVar[bool] = False
    """The layer is a cost whose inputs are labels and the probabilities of the classes."""
    fuses_with: ClassVar[str | None] = None
    """Of costs: the kind of squashing layer below that can be differentiated together with it."""

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

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in vars(cls).get("dropped_fields", ()):
            setattr(cls, name, None)
        cls.fields = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Field):
                    cls.fields[name] = value
                elif value is None:
                    cls.fields.pop(name, None)

    def __init__(self, name: str, dialect: Dialect | None = None):
        """name: the section's.  dialect: of the spec files; None means our own."""
        self.name, self.dialect = name, dialect
        self.inputs = ()  # the names as written in the file; implicit layers have none
        self.nonlinearity: Nonlinearity | None = None  # of neuron layers: what they compute
        self.fused = False  # whether a cost and this layer are differentiated as one
        self.input_shapes: tuple[Shape, ...] = ()
        self.facts = NO_FACTS

    # -- who may change a layer: the builder, before anything is asked -----------------------------

    def set_field(self, name: str, value: object) -> None:
        """Set a field to the value that was read for it, or to its default."""
        setattr(self, name, value)

    def set_nonlinearity(self, nonlinearity: Nonlinearity) -> None:
        """Set what the layer computes, of types with `requires_neuron`."""
        self.nonlinearity = nonlinearity

    def bind(self, inputs: Sequence[Shape], facts: DataFacts = NO_FACTS) -> None:
        """Take the shapes of the inputs and what is known of the data, and call `prepare`."""
        self.input_shapes, self.facts = tuple(inputs), facts
        self.prepare()

    def fuse(self) -> None:
        """Mark a cost, or the squashing layer below it, to be differentiated as one with the other.

        The cost's backward then gives the gradient of the squashing layer's input, and the
        squashing layer hands it on (docs/dialect.md, 7).
        """
        self.fused = True

    # -- checks, during the build ------------------------------------------------------------------

    def prepare(self) -> None:
        """Check the fields against `input_shapes` and `facts`, and derive sizes from them.

        The one hook that sets attributes.  Raises FieldError (see `wrong`).
        """

    def check_inputs(self, below: Sequence["Layer"]) -> None:
        """Check of what kind the layers are that this one reads; FieldError."""

    def warnings(self, below: Sequence["Layer"]) -> list[tuple[str, str, str]]:
        """What is allowed and probably a mistake: (field name, message, hint)."""
        return []

    def shared_mismatch(self, index: int, other: "Layer", at: int) -> str:
        """Why input `index` cannot use the weights of another layer's input `at`; "" if it can.

        Asked after the types and the shapes of the weights were found to be equal.
        """
        return ""

    def missing(self) -> list[tuple[str, str]]:
        """What the spec asks for and this version cannot run yet: (field name, message)."""
        return []

    # -- sizes and memory --------------------------------------------------------------------------

    def output_shape(self) -> Shape:
        """The output's shape; by default that of the first input."""
        return self.input_shapes[0]

    def weights(self) -> list[Weight]:
        """One weight array an input, or none."""
        return []

    def biases(self) -> Weight | None:
        """The biases, if the type has any."""
        return None

    def saved_for_backward(self) -> dict[str, Saved]:
        """Memory that `forward` fills and `backward` reads (`Values.saved`), by name."""
        return {}

    def tables(self) -> dict[str, Table]:
        """Integers that the calls read, by name."""
        return {}

    def slices(self) -> list[tuple[int, int]]:
        """(first row, number of rows) of each input in the output, of types that join inputs."""
        return []

    @property
    def uses_random(self) -> bool:
        """Whether `forward` reads random numbers (`Values.random`)."""
        return False

    @property
    def squashing(self) -> str | None:
        """The kind of squashing computed, if a cost can be differentiated together with it."""
        return None

    # -- what backward needs (decides which arrays may share memory) -------------------------------

    def backward_reads_input(self) -> bool:
        """Whether `backward` reads `Values.x`."""
        return True

    def backward_reads_output(self) -> bool:
        """Whether `backward` reads `Values.y`."""
        return True

    def may_work_in_place(self) -> bool:
        """Whether the output may be written over the input, and the gradients likewise."""
        return False

    def differentiates(self, index: int) -> bool:
        """Whether backward gives a gradient to input `index` (labels get none)."""
        return not self.needs_no_gradient

    # -- calls -------------------------------------------------------------------------------------

    def forward(self, ops: Recorder, v: Values) -> None:
        """Record the calls that compute the output, or the numbers of a cost, from the inputs."""
        raise NotImplementedError(f"{self.type_name}.forward")

    def backward(self, ops: Recorder, v: Values) -> None:
        """Record the calls that compute the gradients of `v` that are not None from `v.dy`."""
        raise NotImplementedError(f"{self.type_name}.backward")

    # -- for reports -------------------------------------------------------------------------------

    def multiply_adds(self) -> int:
        """Multiply-adds of one case, forward."""
        return 0

    def sizes(self) -> dict[str, object]:
        """Derived sizes worth reporting, under the names of the original systems."""
        return {}

    def learning(self) -> dict[str, object]:
        """Parameters from the params file as they act (`describe --json`)."""
        return {}

    def field_value(self, name: str) -> Any:
        """The value of a field; None if the type has no such key."""
        return getattr(self, name) if name in self.fields else None

    # -- for subclasses ----------------------------------------------------------------------------

    def read_here(self, values: Mapping[str, object]) -> dict[str, object]:
        """Those of `values` (by key) whose keys the files' dialect reads."""
        dialects = set(self.dialect.names) if self.dialect else {"convnet"}
        known = {field.key: set(field.dialects or ()) for field in self.fields.values()}
        return {
            key: value
            for key, value in values.items()
            if "convnet" in dialects or not known[key] or dialects & known[key]
        }

    def wrong(
        self, field_name: str, message: str, index: int | None = None, hint: str = ""
    ) -> FieldError:
        """A FieldError to raise, about a field or its entry for input `index`."""
        return FieldError(field_name, f"{self.name}: {message}", index, hint)

    def check_equal_sizes(self) -> None:
        """Check that all inputs have as many values, for elementwise layers."""
        first = self.input_shapes[0]
        for index, shape in enumerate(self.input_shapes[1:], 1):
            if shape.size != first.size:
                raise self.wrong(
                    "inputs",
                    f"inputs must be of one size, found {first} ({self.inputs[0].text}) "
                    f"and {shape} ({self.inputs[index].text})",
                    index,
                )

    def square_image(self, shape: Shape, channels: int, index: int | None = None) -> int:
        """Side of an input as `channels` square maps (docs/dialect.md, 3, the square check)."""
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
    """A layer over the maps of one image input; subclasses declare the key `channels`.

    side: of the input's square maps.
    """

    channels: int

    def prepare(self) -> None:
        self.side = self.square_image(self.input_shapes[0], self.channels)

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.side, self.side)

    def image(self, view: ArrayView) -> ArrayView:
        """A view of the input, or of its gradient, as (channels, rows, columns)."""
        return view.shaped(self.channels, self.side, self.side)
