"""What every format stores beside the arrays: texts by name."""

from __future__ import annotations

import json

import numpy as np

from convnet.checkpoint.write import own_version
from convnet.errors import ConvnetError
from convnet.export.model import Array, Model, float32
from convnet.export.walk import Matrix
from convnet.graph.checkpoint_facts import facts_to_store
from convnet.stored.input_record import InputRecord


def facts(model: Model, preprocessed: bool = False) -> dict[str, str]:
    """Return the metadata of an exported network (docs/export.md, "Metadata").

    preprocessed: the exported network subtracts the mean itself.
    """
    graph = model.graph
    found = {
        "convnet": own_version(),
        "dialect": graph.dialect.name,
        "layers": graph.layers_file.source.text,
        "params": graph.params_file.source.text if graph.params_file else "",
        "graph": json.dumps(facts_to_store(graph)),
    }
    if model.class_names:
        found["class_names"] = json.dumps(list(model.class_names))
    if model.input is not None:
        found["input"] = json.dumps(_input_facts(model.input) | {"included": preprocessed})
    return found


def _input_facts(record: InputRecord) -> dict[str, object]:
    return {
        "side": record.side,
        "channels": record.channels,
        "inner_size": record.inner_size,
        "mean_kind": record.mean_kind,
        "mean_number": record.mean_number,
        "scale": record.scale,
        "color_order": record.color_order,
    }


def mean_of(record: InputRecord) -> Array:
    """Return what is subtracted from the crops: float32 () or (channels, inner_size, inner_size).

    Of a larger mean image it is the center.
    """
    mean = np.asarray(record.mean, np.float32)
    if not mean.ndim:
        return mean
    border = (mean.shape[-1] - record.inner_size) // 2
    seen = slice(border, border + record.inner_size)
    return float32(mean[:, seen, seen])


def preprocessing(model: Model, pixels: Matrix | None) -> InputRecord:
    """Return the record of the input that an exported network preprocesses itself.

    pixels: the matrix that it applies to.  Raises ConvnetError if it is not known, or if the
    network reads no images of that size.
    """
    record = model.input
    if record is None:
        raise ConvnetError(
            "the checkpoint does not record how its input is made of an image (those of `convnet "
            "train` do); leave out --preprocess, and subtract the mean before the network"
        )
    size = record.channels * record.inner_size**2
    dims = () if pixels is None else pixels.dims
    if dims not in [(record.channels, record.inner_size, record.inner_size), (size,)]:
        found = " x ".join(map(str, dims)) or "no images"
        raise ConvnetError(
            f"--preprocess: the exported network reads {found}, the recorded input is "
            f"{record.channels} x {record.inner_size} x {record.inner_size}"
        )
    return record
