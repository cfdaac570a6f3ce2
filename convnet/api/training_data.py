"""What `Net.fit` trains on: a data set by its name, or arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.data.dataset import ArrayDataset, Dataset
from convnet.data.input import input_of
from convnet.data.pipeline.feed import Feed, FeedOptions
from convnet.errors import DataError
from convnet.language.specs import Specs
from convnet.layers.cost import Cost
from convnet.layers.data import Data
from convnet.network.given_arrays import checked_array
from convnet.network.network import Network
from convnet.prepare import DataOptions, Trained, prepare
from convnet.stored.input_record import InputRecord

Arrays = tuple[npt.ArrayLike, npt.ArrayLike]  # images and labels


@dataclass(frozen=True)
class TrainingData:
    """Data for a run.  source: the name of the data set.  settings: to store in checkpoints."""

    dataset: Dataset
    train: Feed
    test: Feed | None
    input: InputRecord
    source: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def named_data(
    specs: Specs, network: Network, trained: Trained, name: str | os.PathLike[str]
) -> TrainingData:
    """Return the data set of a name or a folder, as `convnet train --data` opens it.

    DataError if it is missing or damaged, or if the network was built for data of other sizes.
    """
    options, graph = DataOptions(data=str(name)), network.graph
    known = Trained() if trained.input is None else trained
    prepared = prepare(specs, options, graph.dialect.name, trained=known)
    for index, rows in graph.data_dims.items():
        found = prepared.graph.data_dims.get(index, rows)
        if found != rows:
            raise DataError(
                f"{name}: has {found:,} values a case in data matrix {index}, the network was "
                f"built for {rows:,}"
            )
    train = prepared.feed("train", network.minibatch, network.seed)
    test = prepared.feed("test", network.minibatch)
    settings = {"data_options": asdict(prepared.options)}
    return TrainingData(prepared.dataset, train, test, prepared.input, prepared.source, settings)


def array_data(
    network: Network, trained: Trained, train: Arrays, test: Arrays | None
) -> TrainingData:
    """Return images and labels as a data set.  DataError if they do not fit the network."""
    images, labels = _checked("data", train)
    if not len(images):
        raise DataError(f"data has no images: an array of shape {images.shape}")
    tested = (images[:0], labels[:0]) if test is None else _checked("test", test)
    if tested[0].shape[1:] != images.shape[1:]:
        raise DataError(
            f"test has images of shape {tested[0].shape}, data of shape {images.shape}: they "
            "differ in more than the cases"
        )
    names = trained.class_names or tuple(map(str, range(_classes(network))))
    splits = {"train": (images, labels), "test": tested}
    of_splits = [{split: pair[n] for split, pair in splits.items()} for n in range(2)]
    dataset = ArrayDataset("the arrays", names, *of_splits)
    side = _side(network, images)
    record = trained.input or input_of(dataset, side, "image")
    read = {n.layer.data_idx for n in network.graph.nodes if isinstance(n.layer, Data)}
    options = FeedOptions(
        side=side, seed=network.seed, mean=record.mean, matrices=tuple(sorted(read))
    )
    training = Feed(dataset, "train", network.minibatch, options)
    if not len(tested[0]):
        return TrainingData(dataset, training, None, record)
    return TrainingData(
        dataset, training, Feed(dataset, "test", network.minibatch, options), record
    )


def _checked(what: str, arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return images (cases, channels, S, S), uint8 or float32, and labels.  DataError."""
    if not isinstance(arrays, Sequence) or len(arrays) != 2:
        raise DataError(f"{what} is (images, labels), found {type(arrays).__name__}")
    images, labels = (checked_array(f"{what}[{n}]", array) for n, array in enumerate(arrays))
    given = images.shape
    images = images[:, np.newaxis] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise DataError(
            f"{what} has images of shape (cases, channels, S, S) or (cases, S, S), found an array "
            f"of shape {given}"
        )
    if labels.shape != (len(images),):
        raise DataError(
            f"{what} has labels of shape (cases,), here ({len(images)},), found an array of shape "
            f"{labels.shape}"
        )
    if labels.dtype.kind == "f" and np.array_equal(labels, np.floor(labels)):
        labels = labels.astype(np.int64)
    return images if images.dtype == np.uint8 else images.astype(np.float32), labels


def _classes(network: Network) -> int:
    found = [n.layer.classes for n in network.graph.nodes if isinstance(n.layer, Cost)]
    counts = [count for count in found if count is not None]
    if not counts:
        raise DataError(
            "the network has no cost of classes, so it cannot be trained on labels by `fit`; "
            "`train` takes matrices of any kind"
        )
    return counts[0]


def _side(network: Network, images: np.ndarray) -> int:
    """Return the height and width of the crops that the network takes."""
    channels, rows = images.shape[1], network.graph.data_dims[0]
    side = isqrt(rows // channels)
    if channels * side**2 != rows or side > images.shape[2]:
        raise DataError(
            f"the network takes {rows:,} values a case, which are no crop of images of shape "
            f"{images.shape}"
        )
    return side
