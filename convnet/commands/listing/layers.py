"""`convnet layers`: document the layer types."""

from convnet.commands.output.console import result
from convnet.errors import ConvnetError
from convnet.language import did_you_mean
from convnet.layers import LAYER_TYPES
from convnet.report.layer_docs import layer_list, layer_page


def layers(layer_type: str | None) -> None:
    """Print the page of a layer type, or the list of all types."""
    if layer_type is None:
        result(layer_list().rstrip())
        return
    if layer_type not in LAYER_TYPES:
        hint = did_you_mean(layer_type, LAYER_TYPES) or "`convnet layers` lists the types"
        raise ConvnetError(f"there is no layer type '{layer_type}'; {hint}")
    result(layer_page(layer_type).rstrip())
