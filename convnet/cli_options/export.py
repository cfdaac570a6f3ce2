"""Arguments of `convnet export`."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, flag, option, repeatable
from convnet.cli_options.shared import load_option
from convnet.cli_options.types import PATH


@dataclass(frozen=True, kw_only=True)
class ExportArguments(Arguments):
    """All arguments of `convnet export`."""

    load: Path | None = load_option()
    format: str = option(
        type=click.Choice(["onnx", "torch", "npz", "safetensors"]),
        required=True,
        help="onnx: a graph.  torch: Python source of a torch.nn.Module, and its weights in a "
        ".safetensors file beside it.  npz, safetensors: the arrays.",
    )
    out: Path = option(type=PATH, required=True, help="File to write.")
    output: tuple[str, ...] = repeatable(
        metavar="LAYER",
        help="onnx, torch: Layer whose values are an output.  [default: what the costs read]",
    )
    preprocess: bool = flag(
        help="onnx, torch: Also divide by the scale and subtract the mean, as in the training."
    )
