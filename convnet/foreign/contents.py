"""What a reader of another framework's file returns, in one layout for all formats."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ForeignLayer:
    """The arrays of one layer.

    Parameters:
        name: Its name in the file, such as "features.0" or "conv1".
        weights: Float32, filters first: (outputs, input channels / groups, rows, columns) of a
            convolution, (outputs, inputs) of a full connection.
        biases: Float32 (outputs,); None if the layer has none.
        groups: Groups of a convolution; None if the file does not tell.
        channels_last: Whether a full connection counts its inputs as (rows, columns, channels)
            instead of (channels, rows, columns).
    """

    name: str
    weights: np.ndarray
    biases: np.ndarray | None = None
    groups: int | None = None
    channels_last: bool = False


@dataclass(frozen=True)
class ForeignFile:
    """The contents of a file.

    Parameters:
        path: Where it was read from.
        kind: What it is, for messages: "PyTorch state_dict", "Caffe model", "DeCAF network", ...
        layers: Its layers with weights, in the file's order.
        color_order: Order of the channels that the first layer expects, "RGB" or "BGR"; "" if the
            file does not tell.
        left: Arrays that are no weights or biases of such a layer, by name, and why they are left.
        is_ordered: Whether the order of the layers is that in which they are computed.
        scales_dropout: Whether its dropout multiplies by the share that is kept in tests, as
            cuda-convnet's does, instead of dividing by it in training.
    """

    path: str
    kind: str
    layers: tuple[ForeignLayer, ...]
    color_order: str = ""
    left: tuple[tuple[str, str], ...] = ()
    is_ordered: bool = True
    scales_dropout: bool = False
