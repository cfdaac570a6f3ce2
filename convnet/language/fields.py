"""Fields of layers: one declaration gives parsing, range check, default and documentation.

A layer class declares `filter_size = integer(ge=1, help="...")`; the spec key is `filterSize`.
The class attribute is a `Field`; `Field.read` gives the value that an instance has under the same
name.  The functions `integer`, `number`, ... are therefore annotated with the type of the value
although they return a `Field`, as `dataclasses.field` is: to a type checker `self.filter_size` is
an int, with `per_input=True` a tuple of ints, and with the default None an int or None.  Code that
needs the `Field` itself makes it with the class: `IntegerField`, `NumberField`, ...
"""

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, Final, Literal, TypedDict, Unpack, cast, overload

from convnet.language.display import quoted
from convnet.language.problems import did_you_mean
from convnet.language.values import MalformedValue, Value, parse_call

FileName = Literal["layers", "params", "either"]

REQUIRED: Final = object()
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_BOOLEANS = {"1": True, "yes": True, "true": True, "on": True}
_BOOLEANS |= {"0": False, "no": False, "false": False, "off": False}


class FieldOptions(TypedDict, total=False):
    """What every field may be declared with, beside its default.

    key: the key in the file; by default the attribute's name in camel case.  file: where the key
    is written.  dialects: the original systems that read the key, where not all that have the layer
    do.  unless: a field of the layer that makes this one optional when it is given.
    """

    key: str | None
    file: FileName
    dialects: tuple[str, ...] | None
    help: str
    unless: str | None


class InputFieldOptions(FieldOptions, total=False):
    """per_input: the key has one entry for each input of the layer, or one for all."""

    per_input: bool


class NumberOptions(FieldOptions, total=False):
    """Bounds: greater than, at least, less than, at most."""

    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None


class Field:
    """One key of a layer type.

    Class attributes: `expected` describes the values that are allowed; `neutral` stands in for a
    required value that was not given, so that checking can go on.
    """

    expected = "a value"
    neutral: object = 0

    def __init__(self, default: object = REQUIRED, **options: Unpack[InputFieldOptions]) -> None:
        self.default = default
        self.key = options.get("key") or ""
        self.file: FileName = options.get("file", "layers")
        self.per_input = options.get("per_input", False)
        self.dialects = options.get("dialects")
        self.help = options.get("help", "")
        self.unless = options.get("unless")
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name
        if not self.key:
            head, *rest = name.split("_")
            self.key = head + "".join(word.capitalize() for word in rest)

    @property
    def required(self) -> bool:
        """Whether the key has no default."""
        return self.default is REQUIRED

    def read(self, value: Value, inputs: int) -> object:
        """Return the field's value; with `per_input` a tuple with one entry for each input.

        Raises MalformedValue, which holds the location.
        """
        if not value.text:
            raise MalformedValue(value.span, f"{self.key} is empty", f"{self.key}: {self.help}")
        if not self.per_input:
            return self.read_one(value)
        items = value.items()
        if len(items) == 1:
            items = items * inputs  # cuda-convnet2 repeats a single entry; so do all dialects here
        if len(items) != inputs:
            found = _wrong_count(self.key, len(items), inputs)
            raise MalformedValue(value.span, found, "give one for each input, or one for all")
        return tuple(self.read_one(item) for item in items)

    def read_one(self, value: Value) -> object:
        """Return the value of one entry.  Raises MalformedValue."""
        raise NotImplementedError

    def default_for(self, inputs: int) -> object:
        """Return the field's value when its key is absent."""
        return (self.default,) * inputs if self.per_input else self.default

    def neutral_for(self, inputs: int) -> object:
        """Return what stands in for a required value that was not given."""
        return (self.neutral,) * inputs if self.per_input else self.neutral

    def range_text(self) -> str:
        """Return the allowed values in words."""
        return self.expected

    def invalid(self, value: Value, expected: str = "") -> MalformedValue:
        """Return the error for a value that is not what the field expects."""
        message = f"{self.key} must be {expected or self.expected}, found {quoted(value.text)}"
        return MalformedValue(value.span, message)


def _wrong_count(key: str, entries: int, inputs: int) -> str:
    found = f"{entries} {'entry' if entries == 1 else 'entries'}"
    return f"{key} has {found} for {inputs} input{'s' * (inputs != 1)}"


class TextField(Field):
    """A word, not interpreted."""

    expected = "a word"
    neutral = ""

    def read_one(self, value: Value) -> str:
        return value.text


class BooleanField(Field):
    """true or false, in the spellings of Python's configparser."""

    expected = "true or false"
    neutral = True

    def read_one(self, value: Value) -> bool:
        try:
            return _BOOLEANS[value.text.lower()]
        except KeyError:
            raise self.invalid(value) from None


class ChoiceField(Field):
    """One of several words."""

    def __init__(
        self, *choices: str, default: object = REQUIRED, **options: Unpack[InputFieldOptions]
    ) -> None:
        super().__init__(default, **options)
        self.choices = choices
        self.expected = "one of " + ", ".join(choices)

    def read_one(self, value: Value) -> str:
        if value.text not in self.choices:
            error = self.invalid(value)
            error.hint = did_you_mean(value.text, self.choices)
            raise error
        return value.text


_BOUND_WORDS = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
_WITHIN: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
}


class NumberField(Field):
    """A finite number; gt, ge, lt, le bound it."""

    expected = "a number"
    neutral: object = 0.0
    pattern = DECIMAL
    largest: float = 1e30

    def __init__(
        self,
        default: object = REQUIRED,
        *,
        gt: float | None = None,
        ge: float | None = None,
        lt: float | None = None,
        le: float | None = None,
        **options: Unpack[InputFieldOptions],
    ) -> None:
        super().__init__(default, **options)
        bounds = {"gt": gt, "ge": ge, "lt": lt, "le": le}
        self.bounds = {kind: bound for kind, bound in bounds.items() if bound is not None}

    def convert(self, text: str) -> float:
        """Return the number that a text of the right form stands for."""
        return float(text)

    def read_one(self, value: Value) -> float:
        if not self.pattern.match(value.text):
            raise self.invalid(value)
        # The length first: int() refuses thousands of digits with an error of its own.
        result = self.convert(value.text) if len(value.text) <= 40 else self.largest * 2
        if not isfinite(result) or abs(result) > self.largest:
            limit = f"{self.largest:.0e}"
            raise self.invalid(value, f"{self.expected} between -{limit} and {limit}")
        if not all(_WITHIN[kind](result, bound) for kind, bound in self.bounds.items()):
            raise self.invalid(value, self.bounds_text())
        return result

    def bounds_text(self) -> str:
        """Return the bounds in words, "" if there are none."""
        bounds = self.bounds.items()
        return " and ".join(f"{_BOUND_WORDS[kind]} {bound:.10g}" for kind, bound in bounds)

    def range_text(self) -> str:
        return ", ".join(filter(None, [self.expected, self.bounds_text()]))


class IntegerField(NumberField):
    """An integer small enough that products of two fit in 64 bits with room to spare."""

    expected = "an integer"
    neutral = 1
    pattern = _INTEGER
    largest = 10**15

    def convert(self, text: str) -> int:
        return int(text)


class NamesField(Field):
    """A comma-separated list of names; each name keeps its location in the file."""

    expected = "a comma-separated list of names"
    neutral = ()

    def read_one(self, value: Value) -> tuple[Value, ...]:
        items = value.items()
        if not value.text or any(not item.text for item in items):
            raise self.invalid(value)
        return tuple(items)


class DevicesField(Field):
    """A device number, or the device numbers of the replicas."""

    expected = "a device number (0, 1, ...) or a comma-separated list of device numbers"

    def read_one(self, value: Value) -> tuple[int, ...]:
        items = value.items()
        if any(not re.match(r"\d{1,3}\Z", item.text) for item in items):
            raise self.invalid(value)
        numbers = tuple(int(item.text) for item in items)
        if len(set(numbers)) != len(numbers):
            raise self.invalid(value, "a list of distinct device numbers")
        return numbers


WeightSource = tuple[str, int]  # a layer's name, the index of one of its inputs


class SourceField(Field):
    """`layer[2]`, `layer` (input 0) or nothing, for each input: whose weights it shares."""

    expected = "layer[input] or layer"

    def read(self, value: Value, inputs: int) -> tuple[WeightSource | None, ...]:
        items = value.items()
        if not items:
            return (None,) * inputs
        if len(items) != inputs:
            hint = (
                "give one for each input; an empty entry means that the input has its own weights"
            )
            raise MalformedValue(value.span, _wrong_count(self.key, len(items), inputs), hint)
        return tuple(self.read_one(item) for item in items)

    def read_one(self, value: Value) -> WeightSource | None:
        if not value.text:
            return None
        match = re.match(r"([\w.-]+)(?:\[(\d{1,4})\])?\Z", value.text, re.ASCII)
        if not match:
            raise self.invalid(value)
        return match[1], int(match[2] or 0)


class FunctionField(Field):
    """`module.function` or `module.function(a,b)`: a name only, reading a file calls nothing."""

    expected = "module.function(parameters)"

    def read_one(self, value: Value) -> str:
        call = parse_call(value)
        if call.brackets == "[" or call.named or "." not in call.name:
            raise self.invalid(value)
        return value.text


# -- declarations: annotated with the type of the value ------------------------------------------


@overload
def text(default: None, **options: Unpack[FieldOptions]) -> str | None: ...
@overload
def text(default: str = ..., **options: Unpack[FieldOptions]) -> str: ...
def text(default: object = REQUIRED, **options: Any) -> Any:
    """Declare a word that the layer interprets itself."""
    return TextField(default, **options)


@overload
def boolean(
    default: bool = ..., *, per_input: Literal[True], **options: Unpack[FieldOptions]
) -> tuple[bool, ...]: ...
@overload
def boolean(default: bool = ..., **options: Unpack[FieldOptions]) -> bool: ...
def boolean(default: object = REQUIRED, **options: Any) -> Any:
    """Declare a truth value."""
    return BooleanField(default, **options)


@overload
def choice(*choices: str, default: None, **options: Unpack[FieldOptions]) -> str | None: ...
@overload
def choice(*choices: str, default: str = ..., **options: Unpack[FieldOptions]) -> str: ...
def choice(*choices: str, default: object = REQUIRED, **options: Any) -> Any:
    """Declare a word that is one of `choices`."""
    return ChoiceField(*choices, default=default, **options)


@overload
def number(
    default: float = ..., *, per_input: Literal[True], **options: Unpack[NumberOptions]
) -> tuple[float, ...]: ...
@overload
def number(default: None, **options: Unpack[NumberOptions]) -> float | None: ...
@overload
def number(default: float = ..., **options: Unpack[NumberOptions]) -> float: ...
def number(default: object = REQUIRED, **options: Any) -> Any:
    """Declare a finite number, within bounds."""
    return NumberField(default, **options)


@overload
def integer(
    default: None, *, per_input: Literal[True], **options: Unpack[NumberOptions]
) -> tuple[int | None, ...]: ...
@overload
def integer(
    default: int = ..., *, per_input: Literal[True], **options: Unpack[NumberOptions]
) -> tuple[int, ...]: ...
@overload
def integer(default: None, **options: Unpack[NumberOptions]) -> int | None: ...
@overload
def integer(default: int = ..., **options: Unpack[NumberOptions]) -> int: ...
def integer(default: object = REQUIRED, **options: Any) -> Any:
    """Declare an integer, within bounds."""
    return IntegerField(default, **options)


@overload
def names(default: None, **options: Unpack[FieldOptions]) -> tuple[Value, ...] | None: ...
@overload
def names(**options: Unpack[FieldOptions]) -> tuple[Value, ...]: ...
def names(default: object = REQUIRED, **options: Any) -> Any:
    """Declare a list of names of layers."""
    return NamesField(default, **options)


def devices(default: None = None, **options: Unpack[FieldOptions]) -> tuple[int, ...] | None:
    """Declare device numbers, one for each replica of the layer."""
    return cast("tuple[int, ...] | None", DevicesField(default, **options))


def source(
    default: None = None, *, per_input: Literal[True] = True, **options: Unpack[FieldOptions]
) -> tuple[WeightSource | None, ...]:
    """Declare, for each input, the layer and input whose weights are shared, or None."""
    return cast(
        "tuple[WeightSource | None, ...]", SourceField(default, per_input=per_input, **options)
    )


def function(default: None = None, **options: Unpack[FieldOptions]) -> str | None:
    """Declare the name of a Python function with its parameters."""
    return cast("str | None", FunctionField(default, **options))
