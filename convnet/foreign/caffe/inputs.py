"""What a network's layers state about the images that it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST = 4  # means that are shown


def input_notes(net: Any) -> tuple[str, ...]:
    """Return a line for each data layer of a NetParameter that states crop, mean or scale.

    Caffe computes (pixel - mean) * scale.  Two data layers of the same facts, those of training and
    of tests, give one line.
    """
    layers = [*net.layers, *net.layer]
    found = [
        (layer.name.decode("utf-8", "replace"), ", ".join(_facts(layer.transform_param)))
        for layer in layers
        if layer.HasField("transform_param")
    ]
    return tuple(
        dict.fromkeys(f"its layer {name} states {facts}" for name, facts in found if facts)
    )


def _facts(given: Any) -> Iterator[str]:
    if given.crop_size:
        yield f"crop_size {given.crop_size}"
    if given.mean_value:
        shown = " ".join(f"{value:g}" for value in given.mean_value[:_MOST])
        yield f"mean_value {shown}{' ...' if len(given.mean_value) > _MOST else ''}"
    if given.mean_file:
        yield f"mean_file {given.mean_file.decode('utf-8', 'replace')}"
    if given.HasField("scale"):
        yield f"scale {given.scale:g}"
