"""`convnet nets`: list the shipped nets."""

from typing import Any

from convnet import nets
from convnet.checkpoint import read_header
from convnet.commands.output.console import note, result, result_json


def list_nets(as_json: bool) -> None:
    """Print the name of each shipped net and a line about it, or all facts as JSON."""
    shipped = nets.shipped()
    if as_json:
        result_json([_facts(net) for net in shipped])
        return
    width = max(len(net.name) for net in shipped)
    for net in shipped:
        result(f"{net.name:{width}}  {net.description}")
    trained = " and ".join(net.name for net in shipped if net.weights)
    for short, name in nets.SHORT.items():
        note(f"trained, for --load and --init-from: {trained}; {short} is short for {name}")
    note(f"their files are in {nets.folder() / 'layers'} and {nets.folder() / 'params'}")


def _facts(net: nets.ShippedNet) -> dict[str, Any]:
    """Return what --json prints of a net; for a trained one with where its weights come from."""
    facts: dict[str, Any] = {name: value and str(value) for name, value in vars(net).items()}
    if net.weights:
        facts["provenance"] = read_header(net.weights)["provenance"]
    return facts
