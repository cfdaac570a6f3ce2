"""The command line: each command reads its arguments and calls one function of `convnet.commands`.

Results go to stdout, progress and messages to stderr.  Exit codes: 0 success, 1 a problem in the
user's files, data or machine, 2 misuse of the command line, 70 an error in this program, 130 or 143
stopped by a signal.
Everything else is imported when a command runs, so that `--help` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convnet import __version__
from convnet.cli_options.command import example
from convnet.commands.program import Program

if TYPE_CHECKING:
    from convnet.cli_options.convert import ImportArguments, MakeDataArguments
    from convnet.cli_options.draw import DrawArguments
    from convnet.cli_options.export import ExportArguments
    from convnet.cli_options.lists import LayersArguments, ListArguments
    from convnet.cli_options.predict import PredictArguments
    from convnet.cli_options.report import ReportArguments, WatchArguments
    from convnet.cli_options.runs import RunsArguments
    from convnet.cli_options.show import (
        NeighborsArguments,
        ShowCostArguments,
        ShowFiltersArguments,
        ShowMapsArguments,
        ShowPredsArguments,
    )
    from convnet.cli_options.specs import CheckArguments, CheckGradsArguments, DescribeArguments
    from convnet.cli_options.test import TestArguments
    from convnet.cli_options.train import TrainArguments

TRAIN = "Train, test and predict"
INSPECT = "Inspect networks and runs"
CHECK = "Check networks"
CONVERT = "Prepare data and checkpoints"
LIST = "List what there is"


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "convnet train --layers digits    train a small network, in under a minute on the CPU",
        "convnet test                     test it",
        "convnet train --help             all options of a command",
    ),
)
@click.version_option(__version__, prog_name="convnet")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
def main(debug: bool) -> None:
    """Train convolutional networks that are declared in two text files.

    The layer file (.cfg) declares the layers, the parameter file (.params) their learning rates.
    Both follow cuda-convnet (Krizhevsky et al., 2012).
    """


@main.declare(
    TRAIN,
    "convnet.cli_options.train:TrainArguments",
    "convnet train --layers digits",
    "convnet train --layers alexnet --data imagenet --gpu 0,1",
    "convnet train --resume checkpoints/run --params slower.params",
    "convnet train --layers my.cfg --params my.params --init-from checkpoints/pretrained",
)
def train(arguments: TrainArguments) -> int:
    """Train a network, or resume a run.

    Checkpoints and a journal of the run go to a folder in checkpoints/.  Ctrl-C saves and stops;
    --resume continues with bit-for-bit the same results.
    """
    from convnet.commands.train import train

    return train(arguments)


@main.declare(
    TRAIN,
    "convnet.cli_options.test:TestArguments",
    "convnet test --multiview",
    "convnet test --confusion confusion.png --confused 5",
    "convnet test --load checkpoints/one --load checkpoints/two --multiview",
    "convnet test --load checkpoints/three --predictions predictions/one --multiview",
)
def test(arguments: TestArguments) -> None:
    """Compute the top-1 and top-5 errors of checkpoints.

    Several checkpoints are also tested as an ensemble: their class probabilities are averaged.
    """
    from convnet.commands.test import test

    test(arguments)


@main.declare(
    TRAIN,
    "convnet.cli_options.predict:PredictArguments",
    "convnet predict cat.jpg",
    "find . -name '*.png' | convnet predict --out predictions.png -",
    "convnet predict --load checkpoints/run --top 1 --csv photos > classes.csv",
)
def predict(arguments: PredictArguments) -> int:
    """Predict the classes of images.

    IMAGES are files, folders with all images below them, or - for a list of paths on standard
    input.  Each is scaled and cropped as in the training, which the checkpoint describes; no data
    set is needed.  The exit status is 1 if an image could not be read.
    """
    from convnet.commands.predict import predict

    return predict(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.specs:DescribeArguments",
    "convnet describe --layers alexnet",
    "convnet describe --layers old.cfg --params old-params.cfg --data-dims 3072,1 --classes 10",
)
def describe(arguments: DescribeArguments) -> None:
    """Print a network's shapes, parameters, memory and copies.

    Also prints the multiply-adds of each layer and the devices that hold it.  Needs no data and no
    GPU.
    """
    from convnet.commands.describe import describe

    describe(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.report:ReportArguments",
    "convnet report",
    "convnet report --load checkpoints/one --load checkpoints/two --out compared.html",
)
def report(arguments: ReportArguments) -> None:
    """Write a web page about one run or several.

    The page is one file that needs no network: curves, filters, a drawing of the network, and
    settings.  The curves of several runs are laid over each other.
    """
    from convnet.commands.report import report

    report(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.report:WatchArguments",
    "convnet watch --load checkpoints/run",
)
def watch(arguments: WatchArguments) -> None:
    """Serve the page of `convnet report` while a run goes on.

    Only this machine can open it.  It is renewed as the run goes on; Ctrl-C ends the server.
    """
    from convnet.commands.report import watch

    watch(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.runs:RunsArguments",
    "convnet runs",
    "convnet runs experiments --sort error",
)
def runs(arguments: RunsArguments) -> None:
    """List runs with their state, errors and differences.

    FOLDERS are runs, or folders of runs; by default checkpoints/.
    """
    from convnet.commands.runs import list_runs

    list_runs(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.draw:DrawArguments",
    "convnet draw --layers alexnet",
    "convnet draw --load checkpoints/run --out network.png",
)
def draw(arguments: DrawArguments) -> None:
    """Draw a network, as in the paper's Figure 2.

    There is a column for each device.  Arrows between columns are copies between devices.  Needs no
    data and no GPU.
    """
    from convnet.commands.draw import draw

    draw(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.show:ShowFiltersArguments",
    "convnet show-filters --layer conv1 --out filters.png",
    name="show-filters",
)
def show_filters(arguments: ShowFiltersArguments) -> None:
    """Draw the filters of a layer, as in the paper's Figure 3."""
    from convnet.commands.show import show_filters

    show_filters(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.show:ShowMapsArguments",
    "convnet show-maps --layer conv1 cat.jpg --out maps.png",
    name="show-maps",
)
def show_maps(arguments: ShowMapsArguments) -> None:
    """Draw a layer's activities for an image.

    Each map is a tile; a layer that is split over devices is drawn as one block for each.  The
    image is prepared as the checkpoint says: scaled, cropped, and the mean subtracted.
    """
    from convnet.commands.show_maps import show_maps

    show_maps(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.show:ShowPredsArguments",
    "convnet show-preds --only-errors --out errors.png",
    "convnet show-preds --worst --count 24 --out worst.png",
)
def show_preds(arguments: ShowPredsArguments) -> None:
    """Draw test images and their five most probable classes.

    As on the left of the paper's Figure 4.
    """
    from convnet.commands.show_predictions import show_preds

    show_preds(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.show:ShowCostArguments",
    "convnet show-cost --out cost.png",
)
def show_cost(arguments: ShowCostArguments) -> None:
    """Draw the cost and the test error over a run.

    Also prints a table of the tests.  Both come from the journal of the run.
    """
    from convnet.commands.show import show_cost

    show_cost(arguments)


@main.declare(
    INSPECT,
    "convnet.cli_options.show:NeighborsArguments",
    "convnet test --write-features fc7 --split both --feature-path features",
    "convnet neighbors --features features --out neighbors.png",
)
def neighbors(arguments: NeighborsArguments) -> None:
    """Draw test images and the training images nearest to them.

    Nearest by Euclidean distance between a layer's activities, as on the right of the paper's
    Figure 4.
    """
    from convnet.commands.neighbors import neighbors

    neighbors(arguments)


@main.declare(
    CHECK,
    "convnet.cli_options.specs:CheckArguments",
    "convnet check alexnet my.cfg my.params",
)
def check(arguments: CheckArguments) -> int:
    """Check layer and parameter files for errors.

    FILES are layer files, each followed by its parameter file if it has one, or names of nets that
    `convnet nets` lists.  All errors are reported together, with their location.  Needs no data
    and no GPU.
    """
    from convnet.commands.check import check

    return check(arguments)


@main.declare(
    CHECK,
    "convnet.cli_options.specs:CheckGradsArguments",
    "convnet check-grads --layers digits",
)
def check_grads(arguments: CheckGradsArguments) -> int:
    """Check a network's gradients against finite differences.

    Computes both in float64 on the CPU, for random weights and data.
    """
    from convnet.commands.gradients import check_grads

    return check_grads(arguments)


@main.declare(
    CONVERT,
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
    from convnet.commands.make_data import run

    return run(arguments)


@main.declare(
    CONVERT,
    "convnet.cli_options.convert:ImportArguments",
    "convnet import ConvNet__2012-09-21/90.5 --out old",
    name="import",
)
def import_old(arguments: ImportArguments) -> None:
    """Convert a checkpoint of one of the original systems.

    These are cuda-convnet 1, the 2012 source and cuda-convnet2.  Also writes the layer and
    parameter files that CHECKPOINT holds, beside the converted checkpoint.
    """
    from convnet.commands.import_checkpoint import import_old

    import_old(arguments)


@main.declare(
    CONVERT,
    "convnet.cli_options.export:ExportArguments",
    "convnet export --format onnx --out net.onnx --preprocess",
    "convnet export --load checkpoints/run --format torch --out net.py --output fc7",
)
def export(arguments: ExportArguments) -> None:
    """Export a trained network to ONNX, PyTorch or arrays.

    The exported network computes what this one does in a test, for any number of cases.  Layers
    that have no exact form in the format are refused.
    """
    from convnet.commands.export import export_network

    export_network(arguments)


@main.declare(
    LIST,
    "convnet.cli_options.lists:ListArguments",
    "convnet nets",
)
def nets(arguments: ListArguments) -> None:
    """List the nets that come with convnet.

    The option --layers takes their names in place of files.
    """
    from convnet.commands.nets import list_nets

    list_nets(arguments.as_json)


@main.declare(
    LIST,
    "convnet.cli_options.lists:LayersArguments",
    "convnet layers conv",
)
def layers(arguments: LayersArguments) -> None:
    """List the layer types, or document one of them.

    With TYPE, prints its formula and all its keys.
    """
    from convnet.commands.layers import layers

    layers(arguments.layer_type)


@main.declare(
    LIST,
    "convnet.cli_options.lists:ListArguments",
    "convnet devices",
)
def devices(arguments: ListArguments) -> None:
    """List the GPUs, and what CUDA lacks on this machine."""
    from convnet.commands.devices import devices

    devices(arguments.as_json)


if __name__ == "__main__":
    main()
