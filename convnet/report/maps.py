"""The activities of a layer for one image: as arrays, and as a picture of its maps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from convnet.data.input import network_input
from convnet.errors import DataError
from convnet.graph.build import Graph, Node
from convnet.language import did_you_mean
from convnet.layers.data import Data
from convnet.layers.neuron import Neuron
from convnet.report.figures.map_grids import Block, MapsText
from convnet.report.figures.maps import Seen, maps_picture
from convnet.stored.input_record import InputRecord


@dataclass(frozen=True)
class Maps:
    """A layer's activities for one image, after its neuron.

    Attributes:
        arrays: By name of the layer, or of its parts on several devices, float32 or float64
            (channels, rows, columns); of layers without pixels, such as `fc`, (values, 1, 1).
        devices: By the same names, the devices that hold the layer.
        quantity: What a value is: "activity after relu", "probability", ...
        on_several_devices: Whether the network has several devices, so that titles name them.
        seen: The network's input and the pixels it was made of; None if they are not known.
        names: Names of the values of a layer with one value for each class; else ().
        title: A line about the picture.
    """

    arrays: dict[str, np.ndarray]
    devices: dict[str, tuple[int, ...]]
    quantity: str
    on_several_devices: bool = False
    seen: Seen | None = None
    names: tuple[str, ...] = ()
    title: str = ""

    def figure(self, *, norm_maps: bool = False) -> Image.Image:
        """Return a picture: the input, a scale, and a block of maps for each device.

        Parameters:
            norm_maps: Scale the colors of each map separately.
        """
        blocks = [
            Block(
                _block_title(name, values, self.devices[name] if self.on_several_devices else ()),
                values,
            )
            for name, values in self.arrays.items()
        ]
        text = MapsText(self.title or "Activities", self.quantity, self.names)
        return maps_picture(blocks, text, seen=self.seen, norm_maps=norm_maps)

    def facts(self) -> dict[str, Any]:
        """Return the values as plain objects; those that are not finite are None."""
        return {
            "quantity": self.quantity,
            "layers": [
                {
                    "name": name,
                    "devices": list(self.devices[name]),
                    "shape": list(values.shape),
                    "values": np.where(np.isfinite(values), values, None).tolist(),
                }
                for name, values in self.arrays.items()
            ],
        }


def maps_of(
    graph: Graph,
    read: Callable[[str], np.ndarray],
    name: str,
    case: int = 0,
    *,
    seen: Seen | None = None,
    class_names: tuple[str, ...] = (),
    title: str = "",
) -> Maps:
    """Return the maps of a layer, or of its parts `name`a, `name`b ... on several devices.

    read(layer): its activities (channels, rows, columns, cases); case: which of them.  DataError if
    there is no such layer, or if it has no outputs.
    """
    nodes = layers_with_maps(graph, name)
    sizes = [node.shape.size for node in nodes]
    of_classes = sizes == [len(class_names)] and nodes[0].shape.height == 1
    return Maps(
        {node.name: read(node.name)[..., case] for node in nodes},
        {node.name: node.devices for node in nodes},
        _quantity(graph, nodes[0]),
        graph.device_count > 1,
        seen,
        class_names if of_classes else (),
        title,
    )


def seen_of(record: InputRecord, image: np.ndarray) -> Seen:
    """Return what a network gets of an image (1, channels, S, S), as `network_input` takes it."""
    border = (image.shape[2] - record.inner_size) // 2
    inner = slice(border, border + record.inner_size)
    return Seen(network_input(record, image)[0], image[0, :, inner, inner])


def layers_with_maps(graph: Graph, name: str) -> list[Node]:
    """Return the layer of that name, or its parts on several devices.  DataError if none."""
    nodes = [node for node in graph.declared() if not node.is_cost]
    if any(node.name == name and node.is_cost for node in graph.declared()):
        raise DataError(f"{name} is a cost, which has no outputs; `convnet test` prints its value")
    found = [n for n in nodes if n.name == name] or [n for n in graph.parts_of(name) if n in nodes]
    if not found:
        names = [node.name for node in nodes]
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise DataError(f"there is no layer {name}; {hint}")
    return found


def _quantity(graph: Graph, node: Node) -> str:
    """Return what a layer's values are."""
    if isinstance(node.layer, Data):
        return "value of the data" if node.layer.data_idx else "pixel value minus the mean"
    if node.layer.type_name == "softmax":
        return "probability"
    layers = [other.layer for other in [node, *graph.implicit(node)]]
    neurons = [layer.function.text for layer in layers if isinstance(layer, Neuron)]
    return f"activity after {neurons[-1]}" if neurons else "activity"


def _block_title(name: str, values: np.ndarray, devices: tuple[int, ...]) -> str:
    count, rows, columns = values.shape
    where = f", device {' and '.join(map(str, devices))}" if devices else ""
    if rows * columns == 1:
        return f"{name}{where}: {count:,} values"
    silent = int((np.nan_to_num(values, nan=1.0) == 0).all(axis=(1, 2)).sum())
    zero = f", {silent} of them 0 everywhere" if silent else ""
    return f"{name}{where}: {count:,} map{'s' * (count > 1)} of {columns}x{rows}{zero}"
