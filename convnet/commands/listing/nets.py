"""`convnet nets`: list the shipped nets."""

from convnet import nets
from convnet.commands.output.console import note, result, result_json


def list_nets(as_json: bool) -> None:
    """Print the name of each shipped net and a line about it, or all facts as JSON."""
    shipped = nets.shipped()
    if as_json:
        result_json([{name: str(value) for name, value in vars(net).items()} for net in shipped])
        return
    width = max(len(net.name) for net in shipped)
    for net in shipped:
        result(f"{net.name:{width}}  {net.description}")
    note(f"their files are in {nets.folder() / 'layers'} and {nets.folder() / 'params'}")
