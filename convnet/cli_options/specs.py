"""Arguments of the commands that read only layer and parameter files."""

from dataclasses import dataclass
from pathlib import Path

from convnet.cli_options.record import Arguments, argument, flag, group, option
from convnet.cli_options.shared import (
    DimsArguments,
    LanguageArguments,
    SpecArguments,
    json_option,
    minibatch_option,
    seed_option,
)
from convnet.cli_options.types import MINIBATCH, PATH, Devices


@dataclass(frozen=True, kw_only=True)
class CheckArguments(Arguments):
    """All arguments of `convnet check`."""

    files: tuple[Path, ...] = argument(nargs=-1, required=True, type=PATH)
    language: LanguageArguments = group(LanguageArguments)
    dims: DimsArguments = group(DimsArguments)
    as_json: bool = json_option()


@dataclass(frozen=True, kw_only=True)
class WarmArguments(Arguments):
    """All arguments of `convnet warm`."""

    files: tuple[Path, ...] = argument(nargs=-1, type=PATH)
    language: LanguageArguments = group(LanguageArguments)
    dims: DimsArguments = group(DimsArguments)
    minibatch: int | None = minibatch_option("that of the parameter file, else 128")


@dataclass(frozen=True, kw_only=True)
class DescribeArguments(Arguments):
    """All arguments of `convnet describe`."""

    spec: SpecArguments = group(SpecArguments)
    dims: DimsArguments = group(DimsArguments)
    minibatch: int = option(
        type=MINIBATCH,
        default=128,
        show_default=True,
        metavar="N",
        help="Cases in a minibatch, for operations and memory.",
    )
    ranks: tuple[int, ...] | None = option(
        type=Devices(),
        help="Also print what several processes (mpiexec) send each other: those of the network's "
        "devices 0, 1, ..., as for `convnet train`.",
    )
    steps: bool = flag(help="Also print every step of the training program.")
    drawing: Path | None = option(
        type=PATH,
        metavar="FILE",
        help="Also draw the network, as `convnet draw` does: .svg, or a picture in the format of "
        "the ending.",
    )
    as_json: bool = json_option()


@dataclass(frozen=True, kw_only=True)
class CheckGradsArguments(Arguments):
    """All arguments of `convnet check-grads`."""

    spec: SpecArguments = group(SpecArguments)
    dims: DimsArguments = group(DimsArguments)
    minibatch: int = option(
        type=MINIBATCH, default=4, show_default=True, metavar="N", help="Cases in the minibatch."
    )
    seed: int = seed_option("Seed of the weights, the data and the directions.")
    as_json: bool = json_option()
