"""Types of option values that click does not have: lists of devices, names and sizes."""

import math
import re
from pathlib import Path
from typing import Any

import click

from convnet.stored.paths import path_problem

LARGEST = 10**9  # of counts: products of two of them fit into 64 bits
POSITIVE = click.IntRange(1, LARGEST)
NATURAL = click.IntRange(0, LARGEST)
MINIBATCH = click.IntRange(1, 1 << 20)  # as in parameter files
WUPDATE_FREQ = click.IntRange(1, 1000)  # each minibatch of the cycle has its own program
REPLICAS = click.IntRange(1, 128)  # steps of an update grow with the square
SEED = click.IntRange(0, 2**64 - 1)
SIDE = click.IntRange(1, 2048)  # as `LARGEST_SIDE`


_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+-]{0,99}")


class UserPath(click.Path):
    """A path, which need not exist; refused if the file system cannot be asked about it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        problem = path_problem(value)
        if problem:
            self.fail(problem, param, ctx)
        return super().convert(value, param, ctx)


PATH = UserPath()


class Devices(click.ParamType):
    """Device numbers, such as "0,1", as a tuple."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple) or value is None:
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"expected device numbers such as 0 or 0,1, found '{value}'", param, ctx)
        return tuple(int(part) for part in parts)


class Names(click.ParamType):
    """Names separated by commas, as a tuple."""

    name = "NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple) or value is None:
            return value
        parts = tuple(part.strip() for part in value.split(","))
        if not all(parts):
            self.fail(f"expected names separated by commas, found '{value}'", param, ctx)
        return parts


class RunName(click.ParamType):
    """The name of a run, which is that of its folder."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not _RUN_NAME.fullmatch(value):
            allowed = "letters, digits and _ . , = + -, the first one a letter or a digit"
            self.fail(f"expected at most 100 {allowed}, found '{value}'", param, ctx)
        return value


class KeyValue(click.ParamType):
    """A key of the network's files and its value, "conv1.epsW=0.02", as a pair of texts."""

    name = "LAYER.KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        name, equals, text = (part.strip() for part in value.partition("="))
        layer, _, key = name.rpartition(".")
        if not (layer and key and equals):
            example = "such as conv1.epsW=0.02"
            self.fail(f"expected LAYER.KEY=VALUE, {example}, found '{value}'", param, ctx)
        return name, text


class Dimensions(click.ParamType):
    """Sizes, such as "150528,1", as a dict from data matrix index to values per case."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, dict) or value is None:
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"expected sizes such as 150528,1, found '{value}'", param, ctx)
        return {index: int(part) for index, part in enumerate(parts)}


class Numbers(click.ParamType):
    """Numbers separated by commas, such as "0.229,0.224,0.225", as a tuple of 1 to 64 floats."""

    name = "X,X,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple) or value is None:
            return value
        try:
            numbers = tuple(float(part) for part in value.split(","))
        except ValueError:
            numbers = ()
        if not 0 < len(numbers) <= 64 or not all(0 < number < 1e30 for number in numbers):
            self.fail(f"expected positive numbers such as 0.2,0.2,0.2, found '{value}'", param, ctx)
        return numbers


class MeanValues(click.ParamType):
    """Numbers separated by commas, or the path of a file."""

    name = "X,X,X|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple | Path) or value is None:
            return value
        try:
            numbers = tuple(float(part) for part in value.split(","))
        except ValueError:
            return PATH.convert(value, param, ctx)
        if len(numbers) > 64 or not all(abs(number) < 1e30 for number in numbers):
            self.fail(f"expected numbers such as 123,117,104, found '{value}'", param, ctx)
        return numbers


class Finite(click.ParamType):
    """A finite number."""

    name = "X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"expected a number, found '{value}'", param, ctx)
        return number


class Between(click.FloatRange):
    """A number in a range; NaN, which is in none, is refused too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"expected a number, found '{value}'", param, ctx)
        return number


class HoldOut(Finite):
    """A share between 0 and 1, or a number of pictures."""

    name = "SHARE|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not 0 < number < 1 and (number < 1 or number > LARGEST or number != int(number)):
            self.fail(f"expected a share such as 0.1, or a number, found '{value}'", param, ctx)
        return number


class Mean(Finite):
    """What is subtracted from images: image, scalar, none or a number."""

    name = "KIND"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in ("image", "scalar", "none"):
            return value
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"expected image, scalar, none or a number, found '{value}'", param, ctx)
