"""Commands: list what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convnet.cli.group import main

if TYPE_CHECKING:
    from convnet.cli_options.lists import LayersArguments, ListArguments

_GROUP = "List what there is"


@main.declare(
    _GROUP,
    "convnet.cli_options.lists:ListArguments",
    "convnet nets",
)
def nets(arguments: ListArguments) -> None:
    """List the nets that come with convnet.

    The option --layers takes their names in place of files; --load and --init-from those of trained
    ones in place of runs.
    """
    from convnet.commands.listing.nets import list_nets

    list_nets(arguments.as_json)


@main.declare(
    _GROUP,
    "convnet.cli_options.lists:LayersArguments",
    "convnet layers conv",
)
def layers(arguments: LayersArguments) -> None:
    """List the layer types, or document one of them.

    With TYPE, prints its formula and all its keys.
    """
    from convnet.commands.listing.layers import layers

    layers(arguments.layer_type)


@main.declare(
    _GROUP,
    "convnet.cli_options.lists:ListArguments",
    "convnet devices",
)
def devices(arguments: ListArguments) -> None:
    """List the GPUs, and what CUDA lacks on this machine."""
    from convnet.commands.listing.devices import devices

    devices(arguments.as_json)
