"""The options of all ways to make a `Net`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

import numpy.typing as npt

from convnet.initial import InitOptions
from convnet.layers import Tree

# What a key of the files may be set to: a text as in a file, or what it stands for.
SetValue = str | float | bool | Sequence[str | float | bool]


class NetOptions(TypedDict, total=False):
    """The keyword arguments of `Net`, all optional."""

    minibatch: int
    seed: int
    dtype: npt.DTypeLike
    dialect: str | None
    data_dims: dict[int, int] | None
    classes: int | None
    tree: Tree | None
    training: bool
    train_all: bool
    init: InitOptions | None
    device: Literal["cpu", "cuda"]
    gpu: Sequence[int] | None
    precision: Literal["fp32", "tf32", "bf16"]
    set: Mapping[str, SetValue] | None
