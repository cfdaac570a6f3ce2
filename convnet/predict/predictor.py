"""A network ready to predict: its outputs for the images of a data set, averaged over views."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from convnet.data.dataset import Dataset
from convnet.data.pipeline.feed import Feed, FeedOptions
from convnet.data.pipeline.prefetch import ViewPrefetch
from convnet.errors import DataError
from convnet.graph.graph import Graph, Node
from convnet.layers.data import Data
from convnet.network.network import Network
from convnet.predict.pictures import SPLIT
from convnet.stored.input_record import InputRecord
from convnet.train.multiview import all_views, labels_and_probabilities, mean_outputs


class Outputs(NamedTuple):
    """The outputs of a minibatch.  cases: their positions.  values: float64 (outputs, cases)."""

    cases: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Predictor:
    """A network, how its input is made, and which of its layers is predicted with.

    class_names: of the outputs; their numbers where the checkpoint names no classes.
    """

    network: Network
    input: InputRecord
    node: Node
    class_names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        network: Network,
        input: InputRecord,
        class_names: tuple[str, ...],
        cost: str | None = None,
    ) -> "Predictor":
        """Return the predictor of a network.

        cost: the cost.logreg layer whose probabilities to take; by default see `output_node`.
        DataError if the outputs depend on other data than the images.
        """
        node = output_node(network.graph, cost)
        return cls(network, input, node, names_of(node, class_names))

    @property
    def layer(self) -> str:
        """The name of the layer whose outputs are predicted."""
        return (self.node.declared_in or self.node).name

    @property
    def is_softmax(self) -> bool:
        """Whether the outputs are probabilities of classes, which add up to 1."""
        return self.node.layer.squashing == "softmax"

    @property
    def all_views(self) -> int:
        """The views of a multiview prediction: ten, or nine (`all_views`)."""
        return all_views(self.network.graph, self.input.side)

    def feed(self, dataset: Dataset) -> Feed:
        """Return the feed of a data set's images, preprocessed as the input record says."""
        layers = [n.layer for n in self.network.graph.nodes]
        read = {layer.data_idx for layer in layers if isinstance(layer, Data)}
        options = FeedOptions(
            side=self.input.inner_size, mean=self.input.mean, matrices=tuple(sorted(read))
        )
        return Feed(dataset, SPLIT, self.network.minibatch, options)

    def outputs(self, dataset: Dataset, views: int = 1) -> Iterator[Outputs]:
        """Yield the outputs of each minibatch, in order, averaged over 1, 9 or 10 views."""
        feed = self.feed(dataset)
        with ViewPrefetch(feed, range(feed.minibatches_per_epoch), views) as made:
            for index in range(feed.minibatches_per_epoch):
                batches = (batch for _, batch in islice(made, views))
                values = mean_outputs(self.network, batches, views, self.node, made.coming)
                yield Outputs(feed.indices(0, index), values)


def names_of(node: Node, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a node's outputs: those of the classes, or numbers if they do not fit."""
    count = node.shape.size
    return class_names if len(class_names) == count else tuple(map(str, range(count)))


def output_node(graph: Graph, cost: str | None = None) -> Node:
    """Return the node that a network predicts with.

    It is what its cost.logreg layer `cost`, by default the first, takes for probabilities; without
    one, the last input of the first cost; without a cost, the last layer.  DataError if there is no
    such cost, or if the outputs depend on other data than the images.
    """
    node = _output_node(graph, cost)
    others = [n for n in _sources(node) if isinstance(n.layer, Data) and n.layer.data_idx != 0]
    if others or node.is_data:
        read = (others or [node])[0].name
        raise DataError(
            f"the outputs of {(node.declared_in or node).name} depend on the data layer {read}, so "
            "they cannot be predicted from images alone"
        )
    return node


def _output_node(graph: Graph, cost: str | None) -> Node:
    if cost is not None or any(n.layer.classifies for n in graph.nodes):
        return labels_and_probabilities(graph, cost)[1]
    costs = [n for n in graph.nodes if n.is_cost and n.inputs]
    return costs[0].inputs[-1] if costs else graph.nodes[-1]


def _sources(node: Node) -> set[Node]:
    """The nodes that a node is computed from."""
    found: set[Node] = set()
    left = [node]
    while left:
        for source in left.pop().inputs:
            if source not in found:
                found.add(source)
                left.append(source)
    return found
