"""Arguments that several commands take."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import click

from convnet.cli_options.record import Arguments, flag, group, option, repeatable
from convnet.cli_options.types import (
    MINIBATCH,
    NATURAL,
    PATH,
    POSITIVE,
    REPLICAS,
    SEED,
    SIDE,
    Between,
    Devices,
    Dimensions,
    Finite,
    HoldOut,
    KeyValue,
    Mean,
)

_CHECKPOINT = "Checkpoint file, or a folder: its newest; or a trained net of `convnet nets`"
_NEWEST = "[default: the newest checkpoint in checkpoints/]"


def json_option() -> Any:
    """Return a field for --json."""
    return flag("--json", help="Print the result as JSON.")


def load_option() -> Any:
    """Return a field for --load."""
    return option(type=PATH, help=f"{_CHECKPOINT}.  {_NEWEST}")


def loads_option() -> Any:
    """Return a field for --load of several networks, whose outputs are averaged."""
    return repeatable(type=PATH, help=f"{_CHECKPOINT}.  Several are averaged.  {_NEWEST}")


def picture_option(default: str) -> Any:
    """Return a field for --out, the file of a picture."""
    help = "Picture to write; the file name's ending selects the format."
    return option(type=PATH, default=Path(default), show_default=True, help=help)


def theme_option() -> Any:
    """Return a field for --theme."""
    return option(
        type=click.Choice(["light", "dark"]),
        help="Colors.  [default: SVG follows the reader's browser, pictures are light]",
    )


def seed_option(help: str) -> Any:
    """Return a field for --seed, 0 by default."""
    return option(type=SEED, default=0, show_default=True, metavar="N", help=help)


def pixels_option() -> Any:
    """Return a field for --pixels, what a network of another framework expects of an image."""
    return option(
        type=click.Choice(["torchvision", "caffe"]),
        help="What the network of a file of another framework expects of an image: its scale, "
        "mean and order of channels (docs/importing.md).",
    )


def count_option(most: int, default: int, help: str) -> Any:
    """Return a field for --count, of the images in a picture."""
    return option(
        type=click.IntRange(1, most), default=default, show_default=True, metavar="N", help=help
    )


def minibatch_option(default: str, help: str = "Cases in a minibatch.") -> Any:
    """Return a field for --minibatch; default: where its size comes from unless it is given."""
    return option(type=MINIBATCH, metavar="N", help=f"{help}  [default: {default}]")


def logreg_option(what: str) -> Any:
    """Return a field for --logreg-name.  what: what is done with the layer."""
    return option(metavar="LAYER", help=f"cost.logreg layer {what}.  [default: the first]")


@dataclass(frozen=True, kw_only=True)
class LanguageArguments(Arguments):
    """How the layer and parameter files are read."""

    heading = "Network files"

    dialect: str | None = option(
        type=click.Choice(["cc1", "chm", "cc2", "convnet"]),
        help="Dialect of the files: cuda-convnet 1, the 2012 source, cuda-convnet2 or convnet's "
        "own.  [default: recognized by the keys used]",
    )
    strict: bool = flag(help="Treat warnings as errors.")
    settings: tuple[tuple[str, str], ...] = repeatable(
        "--set",
        type=KeyValue(),
        help="Set a key of either file, as in --set conv1.epsW=0.02.",
    )
    replicas: int | None = option(
        type=REPLICAS,
        metavar="N",
        help="Train N replicas of every layer on parts of each minibatch, on devices 0, 1, ...  "
        "[default: the devices that the layer file names]",
    )


@dataclass(frozen=True, kw_only=True)
class SpecArguments(Arguments):
    """The two files that declare a network."""

    heading = "Network files"

    layers: Path | None = option(
        type=PATH,
        required=True,
        help="Layer file (.cfg), or the name of a net that `convnet nets` lists.",
    )
    params: Path | None = option(
        type=PATH,
        help="Parameter file (.params or .cfg), or the name of a net.  [default: the parameter "
        "file of the net that --layers names]",
    )
    language: LanguageArguments = group(LanguageArguments)

    def with_files(self) -> Self:
        """Return the arguments with paths of files in the place of shipped nets' names."""
        from convnet import nets

        params = nets.params_file(self.params, self.layers)
        layers = self.layers and nets.layer_file(self.layers)
        return replace(self, layers=layers, params=params)


@dataclass(frozen=True, kw_only=True)
class DimsArguments(Arguments):
    """Sizes of the data, for commands that need no data set."""

    heading = "Network files"

    data: str | None = option(
        metavar="SET", help="Take all sizes from this data set, as `convnet train` does."
    )
    classes_from_data: bool = flag(
        help="With --data: set the outputs of the last fc layer to its number of classes."
    )

    data_dims: dict[int, int] | None = option(
        type=Dimensions(),
        help="Values per case of data matrices 0, 1, ..., for files that do not declare them.",
    )
    classes: int | None = option(type=POSITIVE, metavar="N", help="Number of classes.")


@dataclass(frozen=True, kw_only=True)
class DataArguments(Arguments):
    """The data set and how it is preprocessed."""

    heading = "Data"

    data: str | None = option(
        metavar="SET",
        help="Data set: digits, shapes, synthetic:..., a folder of pictures with a folder for each "
        "class, or a folder that `convnet make-data` or cuda-convnet made.",
    )
    size: int | None = option(
        type=SIDE,
        metavar="N",
        help="Height and width that a folder of pictures is brought to, in pixels.  [default: the "
        "network's, with room for random crops; or 256]",
    )
    hold_out: float | None = option(
        type=HoldOut(),
        help="Share of each class of a folder of pictures, or number of pictures, to test on.  "
        "[default: a tenth, if it has no folder val or test]",
    )
    data_seed: int | None = option(
        type=NATURAL,
        metavar="N",
        help="Seed of the pictures that are held out, and of generated images.  [default: 0]",
    )
    crop_border: int | None = option(
        type=NATURAL, metavar="N", help="Pixels to crop from each side of the images."
    )
    inner_size: int | None = option(
        type=NATURAL,
        metavar="N",
        help="Height and width of the crops, in pixels; 0: no crop.",
    )
    workers: int | None = option(
        type=NATURAL,
        metavar="N",
        help="Processes that decode images.  [default: one for each core]",
    )
    train_range: str | None = option(
        metavar="N-N", help="Training batches of a cuda-convnet folder, such as 1-5."
    )
    test_range: str | None = option(
        metavar="N-N", help="Test batches of a cuda-convnet folder, such as 6."
    )
    mean: str | float | None = option(
        type=Mean(),
        help="What to subtract from the images: image (the mean image of the data), scalar (its "
        "mean), none or a number.  [default: that of the training, at first image]",
    )
    scalar_mean: float | None = option(
        type=Finite(),
        metavar="X",
        help="Subtract this number from all pixels; -1 subtracts the mean image.  With files of "
        "the 2012 source, 1 subtracts the mean of the mean image.",
    )


@dataclass(frozen=True, kw_only=True)
class DeviceArguments(Arguments):
    """Where the network runs."""

    heading = "Devices"

    device: str = option(
        type=click.Choice(["auto", "cuda", "cpu"]),
        default="auto",
        show_default=True,
        help="cuda: GPUs (see `convnet devices`).  cpu, auto: the CPU, with virtual devices.",
    )
    gpu: tuple[int, ...] | None = option(
        type=Devices(),
        help="Physical GPUs for the network's devices 0, 1, ...: 2,3 maps device 0 to GPU 2 and "
        "device 1 to GPU 3.",
    )
    ranks: tuple[int, ...] | None = option(
        type=Devices(),
        help="Of several processes (mpiexec), those of the network's devices 0, 1, ...: 0,0,1,1 "
        "has devices 0 and 1 in the first.  [default: in turn]",
    )
    rank_timeout: float = option(
        type=Between(1, 1e6),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="Of several processes, how long one waits for another before all end.",
    )
    graphs: bool = option(
        "--graphs/--no-graphs",
        default=True,
        help="With CUDA: replay steps as CUDA graphs (default), or launch each kernel separately.",
    )
    precision: str | None = option(
        type=click.Choice(["fp32", "tf32", "bf16"]),
        help="With CUDA: rounding of the factors in conv and fc layers; sums are float32.  "
        "[default: fp32, or that of the resumed run]",
    )


@dataclass(frozen=True, kw_only=True)
class InitArguments(Arguments):
    """Functions that make initial weights."""

    heading = "Initial weights"

    init_module: tuple[Path, ...] = repeatable(
        type=PATH,
        metavar="FILE.py",
        help="Python file with functions that initWFunc, initBFunc and similar keys may call.",
    )
    init_checkpoint: Path | None = option(
        type=PATH, help="Checkpoint that initw.makew(layer) and similar functions read."
    )
    ignore_init_functions: bool = flag(
        help="Call no functions: draw the weights from initW and initB."
    )


@dataclass(frozen=True, kw_only=True)
class EvaluationArguments(Arguments):
    """How a trained network is run on test data."""

    data: DataArguments = group(DataArguments)
    device: DeviceArguments = group(DeviceArguments)
    minibatch: int | None = minibatch_option("that of the training")
