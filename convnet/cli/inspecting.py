"""Commands: inspect networks and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convnet.cli.group import main

if TYPE_CHECKING:
    from convnet.cli_options.draw import DrawArguments
    from convnet.cli_options.report import ReportArguments, WatchArguments
    from convnet.cli_options.runs import RunsArguments
    from convnet.cli_options.show import (
        NeighborsArguments,
        ShowCostArguments,
        ShowFiltersArguments,
        ShowMapsArguments,
        ShowPredsArguments,
    )
    from convnet.cli_options.specs import DescribeArguments

_GROUP = "Inspect networks and runs"


@main.declare(
    _GROUP,
    "convnet.cli_options.specs:DescribeArguments",
    "convnet describe --layers alexnet",
    "convnet describe --layers old.cfg --params old-params.cfg --data-dims 3072,1 --classes 10",
)
def describe(arguments: DescribeArguments) -> None:
    """Print a network's shapes, parameters, memory and copies.

    Also prints the multiply-adds of each layer and the devices that hold it.  Needs no data and no
    GPU.
    """
    from convnet.commands.inspecting.describe import describe

    describe(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.report:ReportArguments",
    "convnet report",
    "convnet report --load checkpoints/one --load checkpoints/two --out compared.html",
    "convnet report --test",
)
def report(arguments: ReportArguments) -> None:
    """Write a web page about one run or several.

    The page is one file that needs no network: curves, a test, filters, a drawing of the network,
    memory, times, and settings.  The curves of several runs are laid over each other.
    """
    from convnet.commands.inspecting.report import report

    report(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.report:WatchArguments",
    "convnet watch --load checkpoints/run",
)
def watch(arguments: WatchArguments) -> None:
    """Serve the page of `convnet report` while a run goes on.

    Only this machine can open it.  It is renewed as the run goes on; Ctrl-C ends the server.
    """
    from convnet.commands.inspecting.report import watch

    watch(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.runs:RunsArguments",
    "convnet runs",
    "convnet runs experiments --sort error",
)
def runs(arguments: RunsArguments) -> None:
    """List runs with their state, errors and differences.

    FOLDERS are runs, or folders of runs; by default checkpoints/.
    """
    from convnet.commands.inspecting.runs import list_runs

    list_runs(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.draw:DrawArguments",
    "convnet draw --layers alexnet",
    "convnet draw --load checkpoints/run --out network.png",
)
def draw(arguments: DrawArguments) -> None:
    """Draw a network, as in the paper's Figure 2.

    There is a column for each device.  Arrows between columns are copies between devices.  Needs no
    data and no GPU.
    """
    from convnet.commands.inspecting.draw import draw

    draw(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.show:ShowFiltersArguments",
    "convnet show-filters --layer conv1 --out filters.png",
    name="show-filters",
)
def show_filters(arguments: ShowFiltersArguments) -> None:
    """Draw the filters of a layer, as in the paper's Figure 3."""
    from convnet.commands.inspecting.show import show_filters

    show_filters(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.show:ShowMapsArguments",
    "convnet show-maps --layer conv1 cat.jpg --out maps.png",
    name="show-maps",
)
def show_maps(arguments: ShowMapsArguments) -> None:
    """Draw a layer's activities for an image.

    Each map is a tile; a layer that is split over devices is drawn as one block for each.  The
    image is prepared as the checkpoint says: scaled, cropped, and the mean subtracted.
    """
    from convnet.commands.inspecting.show_maps import show_maps

    show_maps(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.show:ShowPredsArguments",
    "convnet show-preds --only-errors --out errors.png",
    "convnet show-preds --worst --count 24 --out worst.png",
)
def show_preds(arguments: ShowPredsArguments) -> None:
    """Draw test images and their five most probable classes.

    As on the left of the paper's Figure 4.
    """
    from convnet.commands.inspecting.show_predictions import show_preds

    show_preds(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.show:ShowCostArguments",
    "convnet show-cost --out cost.png",
)
def show_cost(arguments: ShowCostArguments) -> None:
    """Plot the cost and the error over a run, or over several.

    Also prints a table of the tests.  Both come from the journals of the runs.  A linear axis ends
    where all but the beginning of the curves can be read.
    """
    from convnet.commands.inspecting.show import show_cost

    show_cost(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.show:NeighborsArguments",
    "convnet test --write-features fc7 --split both --feature-path features",
    "convnet neighbors --features features --out neighbors.png",
)
def neighbors(arguments: NeighborsArguments) -> None:
    """Draw test images and the training images nearest to them.

    Nearest by Euclidean distance between a layer's activities, as on the right of the paper's
    Figure 4.
    """
    from convnet.commands.inspecting.neighbors import neighbors

    neighbors(arguments)
