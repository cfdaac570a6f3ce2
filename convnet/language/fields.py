"""Fields of layers: one declaration gives parsing, range check, default and documentation.

A layer class declares `filter_size = integer(ge=1, help="...")`; the spec key is `filterSize`.
"""

import re
from math import isfinite

from convnet.language import MalformedValue, Value, did_you_mean, parse_call, quoted

REQUIRED = object()
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_BOOLEANS = {"1": True, "yes": True, "true": True, "on": True}
_BOOLEANS |= {"0": False, "no": False, "false": False, "off": False}


class Field:
    """One key of a layer type.  `file` is "layers" or "params": where the key is written."""

    what = "a value"

    def __init__(
        self, default=REQUIRED, *, key=None, file="layers", per_input=False, dialects=None, help="",
        unless=None,
    ):  # fmt: skip
        """dialects: the original systems that read the key, where not all with the layer do.
        unless: a field of the layer beside which this one is not required."""
        self.unless = unless
        self.default, self.key, self.file = default, key, file
        self.per_input, self.dialects, self.help = per_input, dialects, help
        self.name = ""

    def __set_name__(self, _owner, name):
        self.name = name
        if self.key is None:
            head, *rest = name.split("_")
            self.key = head + "".join(word.capitalize() for word in rest)

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def read(self, value: Value, inputs: int):
        """The field's value from the text; a tuple, one entry an input, if `per_input`.

        Raises MalformedValue, which knows where.
        """
        if not value.text:
            raise MalformedValue(value.span, f"{self.key} is empty", f"{self.key}: {self.help}")
        if not self.per_input:
            return self.read_one(value)
        items = value.items()
        if len(items) == 1:
            items = items * inputs  # cuda-convnet2 spreads a single entry; so do all dialects here
        if len(items) != inputs:
            entries = f"{len(items)} {'entry' if len(items) == 1 else 'entries'}"
            found = f"{self.key} has {entries} for {inputs} input{'s' * (inputs != 1)}"
            raise MalformedValue(value.span, found, "give one for each input, or one for all")
        return tuple(self.read_one(item) for item in items)

    def read_one(self, value: Value):
        raise NotImplementedError

    def fallback(self, inputs: int):
        """What the field is worth when its key is absent."""
        return (self.default,) * inputs if self.per_input else self.default

    def range_text(self) -> str:
        """What values are allowed, in words."""
        return self.what

    def wrong(self, value: Value, expected: str = ""):
        return MalformedValue(
            value.span, f"{self.key} must be {expected or self.what}, found {quoted(value.text)}"
        )


class text(Field):  # noqa: N801 (fields read as words in the layers' declarations)
    what = "a word"

    def read_one(self, value):
        return value.text


class boolean(Field):  # noqa: N801
    what = "true or false"

    def read_one(self, value):
        try:
            return _BOOLEANS[value.text.lower()]
        except KeyError:
            raise self.wrong(value) from None


class choice(Field):  # noqa: N801
    def __init__(self, *names, **options):
        super().__init__(**options)
        self.names = names
        self.what = "one of " + ", ".join(names)

    def read_one(self, value):
        if value.text not in self.names:
            bad = self.wrong(value)
            bad.hint = did_you_mean(value.text, self.names)
            raise bad
        return value.text


_WORDS = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
_WITHIN = {
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
}


class number(Field):  # noqa: N801
    """A finite number; gt, ge, lt, le bound it."""

    what = "a number"
    pattern, convert, largest = NUMBER, float, 1e30

    def __init__(self, default=REQUIRED, *, gt=None, ge=None, lt=None, le=None, **options):
        super().__init__(default, **options)
        bounds = {"gt": gt, "ge": ge, "lt": lt, "le": le}
        self.bounds = {kind: bound for kind, bound in bounds.items() if bound is not None}

    def read_one(self, value):
        if not self.pattern.match(value.text):
            raise self.wrong(value)
        # the length first: int() refuses thousands of digits with an error of its own
        result = self.convert(value.text) if len(value.text) <= 40 else self.largest * 2
        if not isfinite(result) or abs(result) > self.largest:
            raise self.wrong(value, f"{self.what} of sensible size, at most {self.largest:.0e}")
        if not all(_WITHIN[kind](result, bound) for kind, bound in self.bounds.items()):
            raise self.wrong(value, self.bounds_text())
        return result

    def bounds_text(self) -> str:
        return " and ".join(f"{_WORDS[kind]} {bound:.10g}" for kind, bound in self.bounds.items())

    def range_text(self):
        return ", ".join(filter(None, [self.what, self.bounds_text()]))


class integer(number):  # noqa: N801
    """A whole number that 64-bit arithmetic holds with room to spare."""

    what = "a whole number"
    pattern, convert, largest = _INTEGER, int, 10**15


class names(Field):  # noqa: N801
    """A comma-separated list of names; the values keep their places in the file."""

    what = "a comma-separated list of names"

    def read_one(self, value):
        items = value.items()
        if not value.text or any(not item.text for item in items):
            raise self.wrong(value)
        return tuple(items)


class devices(Field):  # noqa: N801
    what = "a device number, from 0, or a comma-separated list of them"

    def read_one(self, value):
        items = value.items()
        if any(not re.match(r"\d{1,3}\Z", item.text) for item in items):
            raise self.wrong(value)
        numbers = tuple(int(item.text) for item in items)
        if len(set(numbers)) != len(numbers):
            raise self.wrong(value, "a list of distinct devices")
        return numbers


class source(Field):  # noqa: N801
    """`layer[2]`, `layer` (input 0) or nothing, for each input: where weights are shared from."""

    what = "layer[input] or layer"

    def read(self, value, inputs):
        items = value.items()
        if not items:
            return (None,) * inputs
        if len(items) != inputs:
            raise MalformedValue(
                value.span,
                f"{self.key} has {len(items)} entries for {inputs} input{'s' * (inputs != 1)}",
                "give one for each input, with nothing between the commas for own weights",
            )
        return tuple(self.read_one(item) for item in items)

    def read_one(self, value):
        if not value.text:
            return None
        match = re.match(r"([\w.-]+)(?:\[(\d{1,4})\])?\Z", value.text, re.ASCII)
        if not match:
            raise self.wrong(value)
        return match[1], int(match[2] or 0)


class function(Field):  # noqa: N801
    """`module.function` or `module.function(a,b)`; only named here, never run by reading a file."""

    what = "module.function(parameters)"

    def read_one(self, value):
        call = parse_call(value)
        if call.brackets == "[" or call.named or "." not in call.name:
            raise self.wrong(value)
        return value.text
