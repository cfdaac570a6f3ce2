"""Arguments of the commands that list what there is."""

from dataclasses import dataclass

from convnet.cli_options.record import Arguments, argument
from convnet.cli_options.shared import json_option


@dataclass(frozen=True, kw_only=True)
class LayersArguments(Arguments):
    """All arguments of `convnet layers`."""

    layer_type: str | None = argument(metavar="[TYPE]", required=False)


@dataclass(frozen=True, kw_only=True)
class ListArguments(Arguments):
    """All arguments of `convnet devices` and `convnet nets`."""

    as_json: bool = json_option()
