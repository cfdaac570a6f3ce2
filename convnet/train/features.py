"""Writes a layer's activities for every test case: one .npz file a minibatch, and what they are.

No pickles: `numpy.load` reads each `data_batch_<n>.npz`, with `features` float32 (cases, values)
and `labels` int64 (cases,); `batches.meta.json` tells the rest.
"""

import json
from pathlib import Path

import numpy as np

from convnet.data import Feed, Prefetch
from convnet.errors import ConvnetError, DataError
from convnet.network.network import Network
from convnet.spec import did_you_mean
from convnet.train.evaluate import spread


def write_features(
    network: Network,
    feed: Feed,
    layer: str,
    folder: Path,
    facts: dict,
    *,
    minibatches: int | None = None,
    on_minibatch=lambda done, total: None,
) -> dict:
    """Write the activities of a layer, behind its neuron, for the feed's minibatches in order.

    Values of a case are in the order channels, rows, columns.  `facts`, as JSON can write them, go
    into the meta file too, which is returned.  ConvnetError if there is no such layer, or the
    folder cannot be written.
    """
    shape = _shape_of(network, layer)
    indices, cases = spread(feed, minibatches), 0
    with _writable(folder), Prefetch(feed, ((0, index) for index in indices)) as batches:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (_, batch) in enumerate(batches):
            network.load(batch.matrices)
            network.run("test")
            values = network.output(layer).reshape(shape.size, -1).T
            features = np.ascontiguousarray(values, np.float32)
            np.savez(folder / f"data_batch_{number}.npz", features=features, labels=batch.labels)
            cases += batch.cases
            on_minibatch(number + 1, len(indices))
        meta = {
            "layer": layer,
            "shape": list(shape),
            "values": shape.size,
            "cases": cases,
            "files": len(indices),
            **facts,
        }
        (folder / "batches.meta.json").write_text(json.dumps(meta, indent=1) + "\n", "utf-8")
    return meta


def _shape_of(network, layer):
    nodes = {n.name: n for n in network.graph.declared() if not n.is_cost and not n.is_data}
    if layer not in nodes:
        hint = did_you_mean(layer, nodes) or f"there are {', '.join(nodes)}"
        raise DataError(f"there is no layer {layer} with features to write; {hint}")
    return nodes[layer].shape


class _writable:
    """Context: errors of the file system as ConvnetError."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise ConvnetError(f"{self.folder}: cannot be written ({reason})") from None
