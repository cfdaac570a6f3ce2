"""Commands: prepare data and checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convnet.cli.group import main

if TYPE_CHECKING:
    from convnet.cli_options.convert import ImportArguments, MakeDataArguments
    from convnet.cli_options.export import ExportArguments

_GROUP = "Prepare data and checkpoints"


@main.declare(
    _GROUP,
    "convnet.cli_options.convert:MakeDataArguments",
    "convnet make-data --train ILSVRC2012_img_train.tar --val ILSVRC2012_img_val.tar",
    "    --devkit ILSVRC2012_devkit_t12.tar.gz --out imagenet",
    "convnet make-data --train photos --hold-out 0.1 --out photos-256",
    "convnet make-data --verify imagenet",
)
def make_data(arguments: MakeDataArguments) -> int:
    """Make a data set from archives or folders of images.

    Resizes each image's shorter side to 256 pixels (--size), crops the central square (paper,
    section 2) and writes shuffled shards of JPEG files.  Reads archives in place, without
    unpacking them.  `convnet train --data` takes the result.
    """
    from convnet.commands.converting.make_data import run

    return run(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.convert:ImportArguments",
    "convnet import ConvNet__2012-09-21/90.5 --out old",
    "convnet import alexnet.pth --layers alexnet-torchvision --pixels torchvision --out net",
    name="import",
)
def import_file(arguments: ImportArguments) -> None:
    """Convert checkpoints of other systems and frameworks.

    Of cuda-convnet 1, the 2012 source and cuda-convnet2, FILE is a checkpoint; also writes the
    layer and parameter files that it holds, beside the converted checkpoint.  Of other frameworks
    it holds weights (PyTorch's state_dict, safetensors, npz, a network of DeCAF), which go into
    the network that the option --layers names (docs/importing.md).
    """
    from convnet.commands.converting.import_file import import_file

    import_file(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.export:ExportArguments",
    "convnet export --format onnx --out net.onnx --preprocess",
    "convnet export --load checkpoints/run --format torch --out net.py --output fc7",
)
def export(arguments: ExportArguments) -> None:
    """Export a trained network to ONNX, PyTorch or arrays.

    The exported network computes what this one does in a test, for any number of cases.  Layers
    that have no exact form in the format are refused.
    """
    from convnet.commands.converting.export import export_network

    export_network(arguments)
