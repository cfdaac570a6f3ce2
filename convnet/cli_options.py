"""Options that several commands share, and the kinds of values that they take."""

import functools
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


class Devices(click.ParamType):
    name = "N,N,..."

    def convert(self, value, param, ctx):
        if isinstance(value, tuple) or value is None:
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"expected device numbers such as 0 or 0,1, found '{value}'", param, ctx)
        return tuple(int(part) for part in parts)


class Names(click.ParamType):
    name = "NAME,..."

    def convert(self, value, param, ctx):
        if isinstance(value, tuple) or value is None:
            return value
        parts = tuple(part.strip() for part in value.split(","))
        if not all(parts):
            self.fail(f"expected names divided by commas, found '{value}'", param, ctx)
        return parts


class Dimensions(click.ParamType):
    name = "N,N,..."

    def convert(self, value, param, ctx):
        if isinstance(value, dict) or value is None:
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"expected sizes such as 150528,1, found '{value}'", param, ctx)
        return {index: int(part) for index, part in enumerate(parts)}


def options(*decorators):
    """Several options as one decorator."""

    def apply(command):
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


DIALECTS = click.Choice(["cc1", "chm", "cc2", "convnet"])
dialect_options = options(
    click.option(
        "--dialect", type=DIALECTS, help="Language of the files; recognised by its marks if absent."
    ),
    click.option("--strict", is_flag=True, help="Warnings are errors."),
)


def with_shipped_nets(command):
    """The command with the files of the shipped net, if --layers or --params names one."""

    @functools.wraps(command)
    def found(layers, params, **given):
        from convnet import nets

        if params or not given.get("resume"):  # a run that goes on has its own parameters
            params = nets.params_file(params, layers)
        return command(layers=layers and nets.layer_file(layers), params=params, **given)

    return found


LAYERS_HELP = "Layer file (.cfg), or a name that `convnet nets` lists."
params_option = click.option(
    "--params",
    type=PATH,
    help="Parameter file (.params or .cfg), or a name; by default the one of a named net.",
)
spec_options = options(
    click.option("--layers", type=PATH, required=True, help=LAYERS_HELP),
    params_option,
    dialect_options,
    with_shipped_nets,
)
data_options = options(
    click.option("--data", help="Data: digits, shapes, synthetic:..., or a folder."),
    click.option("--crop-border", type=int, help="Pixels cut off the images on each side."),
    click.option("--inner-size", type=int, help="Side of the crops taken from the images."),
    click.option(
        "--workers",
        type=click.IntRange(0),
        help="Processes that decode a made set's images.  [default: one for each core]",
    ),
    click.option("--train-range", help="Data batches to train on (cuda-convnet folders), as 1-5."),
    click.option("--test-range", help="Data batches to test on (cuda-convnet folders), as 6."),
    click.option(
        "--mean", default="image", show_default=True, help="Subtracted: image, scalar or none."
    ),
    click.option(
        "--scalar-mean",
        type=float,
        help="Subtract this number from all pixels; -1: the mean image.  In files of the 2012 "
        "source: 1 subtracts the mean of the mean image.",
    ),
)
device_options = options(
    click.option(
        "--device",
        type=click.Choice(["auto", "cuda", "cpu"]),
        default="auto",
        show_default=True,
        help="cpu, auto: the CPU, with virtual devices; cuda: GPUs (see `convnet devices`).",
    ),
    click.option("--gpu", type=Devices(), help="Physical GPUs for the spec's devices 0, 1, ..."),
    click.option(
        "--graphs/--no-graphs",
        default=True,
        help="With CUDA: run steps as CUDA graphs (the default), or launch each kernel by itself.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "tf32", "bf16"]),
        show_default="fp32, or what a resumed run had",
        help="With CUDA: how conv and fc layers round what they multiply; sums are in float32.",
    ),
)
init_options = options(
    click.option(
        "--init-module",
        type=PATH,
        multiple=True,
        metavar="FILE.py",
        help="Python file whose functions initWFunc and its like may call.  [repeatable]",
    ),
    click.option(
        "--init-checkpoint", type=PATH, help="Checkpoint that initw.makew(layer) and its like read."
    ),
    click.option(
        "--ignore-init-functions",
        is_flag=True,
        help="Call no functions: draw from initW and initB.",
    ),
)
load_option = click.option(
    "--load", type=PATH, help="Checkpoint, or a folder of them; by default the newest."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
minibatch_option = click.option("--minibatch", type=click.IntRange(1), help="Cases in a minibatch.")
dims_options = options(
    click.option("--data-dims", type=Dimensions(), help="Values per case of data matrix 0, 1, ..."),
    click.option("--classes", type=click.IntRange(1), help="Number of classes of the data."),
)


stuck_options = options(
    click.option(
        "--drop-rate-when-stuck/--no-drop-rate-when-stuck",
        default=None,
        help="Divide all rates by 10 when the test error has stopped falling, at most three times.",
    ),
    click.option(
        "--stop-when-stuck/--no-stop-when-stuck",
        default=None,
        help="Stop, saved, when it has stopped falling and no drop is left.",
    ),
    click.option(
        "--stuck-tests",
        type=click.IntRange(1),
        help="It has stopped after so many tests without improvement.  [default: 5]",
    ),
    click.option(
        "--stuck-improvement",
        type=click.FloatRange(0, 1, max_open=True),
        metavar="SHARE",
        help="A smaller share of the error is no improvement.  [default: 0.01]",
    ),
)
