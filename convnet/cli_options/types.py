"""Types of option values that click does not have: lists of devices, names and sizes."""

import math
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
