"""The command line: reads options, calls one function of `convnet.commands`, sets the exit code.

Results go to stdout, progress and messages to stderr.  Exit codes: 0 well, 1 a problem in the
user's files, data or machine, 2 misuse of the command line, 130 or 143 stopped by a signal.
Everything heavy is imported inside the commands, so that `--help` is quick.
"""

import gc
from pathlib import Path

import click

from convnet import __version__
from convnet.cli_options import (
    LAYERS_HELP,
    PATH,
    Names,
    data_options,
    device_options,
    dialect_options,
    dims_options,
    init_options,
    json_option,
    load_option,
    minibatch_option,
    params_option,
    spec_options,
    stuck_options,
    with_shipped_nets,
)
from convnet.errors import ConvnetError


class Commands(click.Group):
    """A group that turns the library's errors into a message and exit code 1."""

    def invoke(self, ctx):
        gc.set_threshold(
            50_000
        )  # what is imported and read stays: looking through it costs a tenth
        try:
            return super().invoke(ctx)
        except ConvnetError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)

    def list_commands(self, ctx):
        return list(self.commands)  # in the order they are declared


def example(*lines):
    """The example at the end of a help page."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example("convnet train --layers digits"),
)
@click.version_option(__version__, prog_name="convnet")
def main():
    """Convolutional networks declared in two text files: layers and learning parameters."""


@main.command(
    epilog=example(
        "convnet train --layers digits",
        "convnet train --layers alexnet --data imagenet --gpu 0,1",
        "convnet train --resume checkpoints/run --params slower.params",
        "convnet train --layers my.cfg --params my.params --init-from checkpoints/pretrained",
    )
)
@click.option("--layers", type=PATH, help=LAYERS_HELP)
@params_option
@dialect_options
@data_options
@click.option(
    "--color-noise", type=float, help="Strength of noise along the training set's main colours."
)
@click.option(
    "--augment/--no-augment",
    default=None,
    help="Random crops and mirror images of training images (the default), or their centres.",
)
@device_options
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training set.")
@minibatch_option
@click.option(
    "--wupdate-freq",
    type=click.IntRange(1),
    help="Update after so many minibatches, with the sum of their gradients.  [default: 1]",
)
@click.option(
    "--test-every", type=click.IntRange(1), help="Minibatches between tests; else epochs."
)
@click.option("--save-every", type=click.IntRange(1), help="Save also every so many minibatches.")
@stuck_options
@click.option("--save", type=PATH, help="Folder of the run; by default a new one in checkpoints/.")
@click.option("--resume", type=PATH, help="Go on from a checkpoint, or a folder's newest.")
@click.option(
    "--conv-to-local", type=Names(), help="With --resume: conv layers that become local ones."
)
@click.option(
    "--unshare-weights",
    type=Names(),
    metavar="LAYER[I],...",
    help="With --resume: layers, or inputs of them, that get copies of the weights they share.",
)
@click.option(
    "--init-from",
    type=PATH,
    metavar="CHECKPOINT",
    help="Start with the layers of another net that fit by name and shape.",
)
@init_options
@click.option("--seed", type=click.IntRange(0), help="Of weights, dropout and the data's order.")
@click.option(
    "--max-batches", type=click.IntRange(1), help="Stop, saved, after so many minibatches."
)
@click.option("--dry-run", is_flag=True, help="One training and one test minibatch; saves nothing.")
@click.option(
    "--trace", type=PATH, help="File for the times of a minibatch's steps (Chrome trace)."
)
@with_shipped_nets
def train(**given):
    """Train a network."""
    from convnet.commands.train import train as run

    click.get_current_context().exit(run(**given))


@main.command(
    epilog=example(
        "convnet test --multiview",
        "convnet test --load checkpoints/one --load checkpoints/two --multiview",
        "convnet test --load checkpoints/three --predictions predictions/one --multiview",
    )
)
@click.option(
    "--load",
    type=PATH,
    multiple=True,
    help="Checkpoint, or a folder of them; by default the newest.  Several are averaged.",
)
@click.option(
    "--predictions",
    type=PATH,
    multiple=True,
    metavar="DIR",
    help="Predictions that --test-out wrote, in the place of a network.  [repeatable]",
)
@data_options
@device_options
@click.option("--multiview", is_flag=True, help="Also average over ten (or nine) views.")
@minibatch_option
@click.option("--max-batches", type=click.IntRange(1), help="Test on so many minibatches only.")
@click.option("--logreg-name", help="The cost.logreg layer that is tested; by default the first.")
@click.option(
    "--test-out", type=PATH, help="Folder for the probabilities, averaged over views and networks."
)
@click.option(
    "--write-features", metavar="LAYER", help="Write a layer's activities instead of testing."
)
@click.option("--feature-path", type=PATH, help="Folder for them.")
@click.option(
    "--split",
    type=click.Choice(["train", "test", "both"]),
    help="Whose activities are written.  [default: test]",
)
@json_option
def test(**given):
    """Test a checkpoint, or several and their average: top-1 and top-5 errors."""
    from convnet.commands.test import test as run

    run(**given)


@main.command(
    "show-filters", epilog=example("convnet show-filters --layer conv1 --out filters.png")
)
@load_option
@click.option("--layer", help="Layer; `conv1` also means conv1a, conv1b, ...  [default: the first]")
@click.option("--input", "input_index", type=click.IntRange(0), default=0, show_default=True)
@click.option("--norm-filters", is_flag=True, help="Scale each filter by itself.")
@click.option("--no-rgb", is_flag=True, help="One grey tile a channel.")
@click.option("--yuv-to-rgb", is_flag=True, help="Filters over YUV images as RGB colours.")
@click.option("--channels", type=click.IntRange(1), help="Channels of an fc layer's input.")
@click.option(
    "--plane", type=click.IntRange(0), default=0, help="Output position of a local layer."
)
@click.option("--out", type=PATH, default=Path("filters.png"), show_default=True)
def show_filters(**given):
    """Draw a layer's filters, as the paper's Figure 3."""
    from convnet.commands.show import show_filters as run

    run(**given)


@main.command("show-preds", epilog=example("convnet show-preds --only-errors --out errors.png"))
@load_option
@data_options
@device_options
@click.option("--only-errors", is_flag=True, help="Only images whose likeliest class is wrong.")
@click.option("--multiview", is_flag=True, help="Average over ten (or nine) views.")
@click.option("--count", type=click.IntRange(1, 600), default=12, show_default=True)
@click.option("--logreg-name", help="The cost.logreg layer whose probabilities are shown.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the choice of images.")
@minibatch_option
@click.option("--out", type=PATH, default=Path("predictions.png"), show_default=True)
def show_preds(**given):
    """Draw test images with their five likeliest classes, as the paper's Figure 4."""
    from convnet.commands.show_predictions import show_preds as run

    run(**given)


@main.command(
    epilog=example(
        "convnet test --write-features fc7 --split both --feature-path features",
        "convnet neighbors --features features --out neighbors.png",
    )
)
@click.option(
    "--features", type=PATH, required=True, help="Folder that `test --write-features` wrote."
)
@click.option("--data", help="Where the images are now; by default where they were.")
@click.option(
    "--case", type=click.IntRange(0), multiple=True,
    help="Test case to search for; by default drawn by lot.  [repeatable]",
)  # fmt: skip
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the choice of cases.")
@click.option(
    "--neighbors", "k", type=click.IntRange(1, 100), default=6, show_default=True,
    help="How many to find for each.",
)  # fmt: skip
@click.option(
    "--codes",
    type=PATH,
    help="Folder of a code layer's activities: also search by Hamming distance.",
)
@click.option(
    "--recall-cases", type=click.IntRange(1), default=1000, show_default=True,
    help="Test cases that the recall of codes is taken over.",
)  # fmt: skip
@click.option("--out", type=PATH, default=Path("neighbors.png"), show_default=True)
@json_option
def neighbors(**given):
    """Draw test images with the training images nearest to them, as the paper's Figure 4."""
    from convnet.commands.neighbors import neighbors as run

    run(**given)


@main.command("show-cost", epilog=example("convnet show-cost --out cost.png"))
@click.option("--load", type=PATH, help="Folder of a run; by default the newest.")
@click.option("--cost", help="The cost layer to show; by default the first.")
@click.option("--out", type=PATH, default=Path("cost.png"), show_default=True)
@json_option
def show_cost(**given):
    """Draw cost and error over the run, from its journal."""
    from convnet.commands.show import show_cost as run

    run(**given)


@main.command(epilog=example("convnet check alexnet my.cfg my.params"))
@click.argument("files", nargs=-1, required=True, type=PATH)
@dialect_options
@dims_options
@json_option
def check(**given):
    """Check spec files: layer files, each followed by its parameter file if it has one, or names
    that `convnet nets` lists.

    Needs no data and no GPU.
    """
    from convnet.commands.check import check as run

    click.get_current_context().exit(run(**given))


@main.command(
    epilog=example(
        "convnet describe --layers alexnet",
        "convnet describe --layers old.cfg --params old-params.cfg --data-dims 3072,1 --classes 10",
    )
)
@spec_options
@dims_options
@click.option("--minibatch", type=click.IntRange(1), default=128, show_default=True)
@click.option("--steps", is_flag=True, help="Also print every step of the training program.")
@json_option
def describe(**given):
    """Tell what a network is: shapes, weights, operations, memory, devices, copies."""
    from convnet.commands.describe import describe as run

    run(**given)


@main.command(
    "check-grads",
    epilog=example("convnet check-grads --layers digits"),
)
@spec_options
@dims_options
@click.option("--minibatch", type=click.IntRange(1), default=4, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def check_grads(**given):
    """Compare the gradients of a network with differences of its cost, in float64."""
    from convnet.commands.gradients import check_grads as run

    click.get_current_context().exit(run(**given))


@main.command("import", epilog=example("convnet import ConvNet__2012-09-21/90.5 --out old"))
@click.argument("old", metavar="CHECKPOINT", type=PATH)
@click.option("--out", type=PATH, required=True, help="The new checkpoint (.safetensors).")
def import_old(**given):
    """Make a checkpoint of one that cuda-convnet 1, the 2012 source or cuda-convnet2 saved.

    Also writes the layer and params files that it stores, beside it.
    """
    from convnet.commands.import_checkpoint import import_old as run

    run(**given)


@main.command(
    "make-data",
    epilog=example(
        "convnet make-data --train ILSVRC2012_img_train.tar --val ILSVRC2012_img_val.tar",
        "    --devkit ILSVRC2012_devkit_t12.tar.gz --out imagenet",
        "convnet make-data --train photos --hold-out 0.1 --out photos-256",
        "convnet make-data --verify imagenet",
    ),
)
@click.option(
    "--train",
    type=PATH,
    help="Training images: a tar (of a tar or a folder for each class), or a folder of those.",
)
@click.option("--val", type=PATH, help="Test images, likewise, or numbered (see --devkit).")
@click.option("--devkit", type=PATH, help="Development kit of ILSVRC: archive or folder.")
@click.option(
    "--ground-truth",
    type=PATH,
    help="Classes of the numbered images, one a line, if not those in the development kit.",
)
@click.option("--words", type=PATH, help="File of names: lines of a WordNet id and words.")
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Instead of --val: share of the training images of each class to test on.",
)
@click.option(
    "--label-order",
    type=click.Choice(["wnid", "ilsvrc"]),
    default="wnid",
    show_default=True,
    help="Labels by sorted WordNet ids, or ILSVRC ids less 1 as the originals had them.",
)
@click.option("--name", help="Name of the set; by default that of the training images.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the order of the images.")
@click.option(
    "--shard-images", type=click.IntRange(1), default=6144, show_default=True, help="In one tar."
)
@click.option("--quality", type=click.IntRange(1, 100), default=92, show_default=True, help="JPEG.")
@click.option(
    "--chroma",
    type=click.Choice(["4:4:4", "4:2:0"]),
    default="4:4:4",
    show_default=True,
    help="Resolution of the colours: full or half.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one a core]")
@click.option("--out", type=PATH, help="Folder for the set; a stopped run goes on in it.")
@click.option("--verify", type=PATH, metavar="DIR", help="Check a made set instead, to its end.")
def make_data(**given):
    """Make a data set for --data from archives or folders of images.

    Shorter side to 256, central 256x256 (paper, section 2), in shuffled shards.  Archives are
    read where they are, not unpacked.
    """
    from convnet.commands.make_data import run

    click.get_current_context().exit(run(**given))


@main.command(epilog=example("convnet devices"))
@json_option
def devices(as_json):
    """Tell what CUDA finds on this machine, and what it lacks."""
    from convnet.commands.devices import devices as run

    run(as_json)


@main.command(epilog=example("convnet layers conv"))
@click.argument("layer_type", metavar="[TYPE]", required=False)
def layers(layer_type):
    """Document the layer types, or one of them with all its keys."""
    from convnet.commands.layers import layers as run

    run(layer_type)


@main.command(epilog=example("convnet nets"))
@json_option
def nets(as_json):
    """List the nets that are shipped with convnet, whose names --layers takes."""
    from convnet.commands.nets import list_nets

    list_nets(as_json)


if __name__ == "__main__":
    main()
