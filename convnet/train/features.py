"""Write the activities of a layer for every case of a data set: a folder of features.

`convnet.data.datasets.feature_files` describes its format.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convnet.data.datasets.feature_files import FORMAT, META, is_feature_folder
from convnet.data.pipeline.feed import Batch, Feed
from convnet.data.pipeline.prefetch import Prefetch
from convnet.errors import ConvnetError, DataError
from convnet.graph.graph import Graph, Node
from convnet.language import did_you_mean
from convnet.network.network import Network
from convnet.stored.files import replacing, sync
from convnet.train.evaluate import spread

OnMinibatch = Callable[[str, int, int], None]  # split, minibatches done, their total


def write_features(
    network: Network,
    feeds: dict[str, Feed],
    layer: str,
    folder: Path,
    facts: dict[str, Any],
    *,
    minibatches: int | None = None,
    on_minibatch: OnMinibatch = lambda split, done, total: None,
    writes: bool = True,
) -> dict[str, Any]:
    """Write the activities of a layer, after its neuron, for the cases of each split's feed.

    layer: `fc7` also stands for `fc7a` and `fc7b` of a layer split over devices; their values are
    concatenated, those of one layer in the order channels, rows, columns.  feeds: by split; they
    must not shuffle.  facts: `class_names`, `dataset` and whatever else the meta file shall
    contain.  minibatches: how many of each split, evenly spread; None: all.  writes: False in a
    process that only helps another one, which writes the folder.

    Returns the contents of the meta file, which is written last, so a folder that has one is
    complete.  ConvnetError if there is no such layer, if the folder contains features already, or
    if it cannot be written.
    """
    nodes = layers_with_features(network.graph, layer)
    if is_feature_folder(folder):
        raise ConvnetError(f"{folder} holds features already; give another folder, or remove it")
    writer = _Writer(network, nodes, folder if writes else None, on_minibatch)
    with _readable_errors(folder):
        if writes:
            folder.mkdir(parents=True, exist_ok=True)
        cases = {
            split: writer.write_split(feed, spread(feed, minibatches))
            for split, feed in feeds.items()
        }
        meta = _meta(nodes, cases) | facts
        if not writes:
            return meta
        for path in folder.glob("*.npy"):
            sync(path)
        with replacing(folder / META) as temporary:
            temporary.write_text(json.dumps(meta, indent=1) + "\n", "utf-8")
    return meta


def layers_with_features(graph: Graph, name: str) -> list[Node]:
    """Return the layer of that name, or its parts on several devices.  DataError if none."""
    nodes = [n for n in graph.declared() if not n.is_cost and not n.is_data]
    found = [n for n in nodes if n.name == name] or [n for n in graph.parts_of(name) if n in nodes]
    if not found:
        names = [n.name for n in nodes]
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise DataError(f"there is no layer {name} with features to write; {hint}")
    return found


def _meta(nodes: list[Node], cases: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "layers": [node.name for node in nodes],
        "shapes": [list(node.shape) for node in nodes],
        "values": _values(nodes),
        "cases": cases,
    }


def _values(nodes: list[Node]) -> int:
    """Return the values per case."""
    return sum(node.shape.size for node in nodes)


@dataclass(frozen=True)
class _Writer:
    """Writes the activities of some nodes into a folder; None: nowhere."""

    network: Network
    nodes: list[Node]
    folder: Path | None
    on_minibatch: OnMinibatch

    def write_split(self, feed: Feed, indices: list[int]) -> int:
        """Write the three files of a split; return the number of cases."""
        cases: int = sum(map(feed.cases_of, indices))
        labels, places = [], []
        positions = ((0, index) for index in indices)
        with (
            self._path(f"{feed.split}.npy").open("wb") as file,
            Prefetch(feed, positions) as batches,
        ):
            _write_header(file, (cases, _values(self.nodes)))
            for done, (_, batch) in enumerate(batches, 1):
                file.write(self._activities(batch, batches.coming))
                labels.append(batch.labels)
                places.append(batch.indices)
                self.on_minibatch(feed.split, done, len(indices))
        if self.folder is not None:
            for what, numbers in (("labels", labels), ("indices", places)):
                path = self.folder / f"{feed.split}_{what}.npy"
                np.save(path, np.concatenate(numbers).astype(np.int64))
        return cases

    def _path(self, name: str) -> Path:
        return Path(os.devnull) if self.folder is None else self.folder / name

    def _activities(
        self, batch: Batch, coming: Callable[[], dict[int, np.ndarray] | None]
    ) -> memoryview:
        """Return float32 (cases, values).  coming: returns the matrices of the next minibatch."""
        self.network.load(batch.matrices)
        self.network.run("test")
        self.network.load_ahead(coming())
        values = [self.network.output(n.name).reshape(-1, batch.cases) for n in self.nodes]
        return np.ascontiguousarray(np.concatenate(values).T, np.float32).data


def _write_header(file: BinaryIO, shape: tuple[int, int]) -> None:
    """Begin an .npy file whose values are then written minibatch by minibatch."""
    form = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, form)


@contextmanager
def _readable_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into ConvnetError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ConvnetError(f"{folder}: cannot be written ({reason})") from None
