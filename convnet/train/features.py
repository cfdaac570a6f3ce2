"""Writes layers' activities for every case of a data set: a folder of features.

Its form is told in `convnet.data.datasets.feature_files`.
"""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from convnet.data import Feed, Prefetch
from convnet.data.datasets.feature_files import FORMAT, META, is_feature_folder
from convnet.errors import ConvnetError, DataError
from convnet.graph.build import Graph, Node
from convnet.language import did_you_mean
from convnet.network.network import Network
from convnet.train.evaluate import spread


def write_features(
    network: Network,
    feeds: dict[str, Feed],
    layer: str,
    folder: Path,
    facts: dict,
    *,
    minibatches: int | None = None,
    on_minibatch=lambda split, done, total: None,
) -> dict:
    """Write the activities of a layer, behind its neuron, for the cases of each split's feed.

    layer: `fc7` also means `fc7a` and `fc7b` of a layer split over devices; their values stand one
    behind the other, those of a layer in the order channels, rows, columns.  The feeds must not
    shuffle.  minibatches: of so many only, evenly spread.  facts: `class_names`, `dataset`, and
    what else shall be told, as JSON can write it; the meta file's contents are returned.

    ConvnetError if there is no such layer, if the folder holds features already, or cannot be
    written.  The meta file comes last, so a folder that has one is whole.
    """
    nodes = layers_with_features(network.graph, layer)
    if is_feature_folder(folder):
        raise ConvnetError(f"{folder} holds features already; give another folder, or remove it")
    with _readable_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        cases = {}
        for split, feed in feeds.items():
            indices = spread(feed, minibatches)
            cases[split] = _write_split(network, feed, nodes, indices, folder, on_minibatch)
        meta = {
            "format": FORMAT,
            "layers": [node.name for node in nodes],
            "shapes": [list(node.shape) for node in nodes],
            "values": sum(node.shape.size for node in nodes),
            "cases": cases,
            **facts,
        }
        (folder / META).write_text(json.dumps(meta, indent=1) + "\n", "utf-8")
    return meta


def layers_with_features(graph: Graph, name: str) -> list[Node]:
    """The layer of that name, or its parts on several devices.  DataError if there is none."""
    nodes = [n for n in graph.declared() if not n.is_cost and not n.is_data]
    found = [n for n in nodes if n.name == name] or [n for n in graph.parts_of(name) if n in nodes]
    if not found:
        names = [n.name for n in nodes]
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise DataError(f"there is no layer {name} with features to write; {hint}")
    return found


def _write_split(network, feed, nodes, indices, folder, tell) -> int:
    """The three files of a split; returns the number of cases."""
    cases, values = sum(map(feed.cases_of, indices)), sum(node.shape.size for node in nodes)
    labels, places = [], []
    with (folder / f"{feed.split}.npy").open("wb") as file, _minibatches(feed, indices) as batches:
        _write_header(file, (cases, values))
        for done, (_, batch) in enumerate(batches, 1):
            file.write(_activities(network, nodes, batch, batches.coming))
            labels.append(batch.labels)
            places.append(batch.indices)
            tell(feed.split, done, len(indices))
    for what, numbers in (("labels", labels), ("indices", places)):
        np.save(folder / f"{feed.split}_{what}.npy", np.concatenate(numbers).astype(np.int64))
    return cases


def _minibatches(feed, indices):
    return Prefetch(feed, ((0, index) for index in indices))


def _activities(network, nodes, batch, coming) -> np.ndarray:
    """float32 (cases, values).  coming(): the matrices of the minibatch behind it."""
    network.load(batch.matrices)
    network.run("test")
    network.load_ahead(coming())
    values = [network.output(node.name).reshape(-1, batch.cases) for node in nodes]
    return np.ascontiguousarray(np.concatenate(values).T, np.float32)


def _write_header(file, shape):
    """Of an .npy file whose values are then written bit by bit."""
    form = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, form)


@contextmanager
def _readable_errors(folder):
    """Errors of the file system as ConvnetError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ConvnetError(f"{folder}: cannot be written ({reason})") from None
