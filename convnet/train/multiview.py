"""Test on several views of each image: average probabilities, then compute the cost once.

See docs/dialect.md, 7.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from convnet.data.pipeline.feed import Batch, Feed
from convnet.data.pipeline.prefetch import ViewPrefetch
from convnet.errors import DataError
from convnet.graph.graph import Graph, Node
from convnet.network.network import Network
from convnet.train.evaluate import spread

Coming = Callable[[], dict[int, np.ndarray] | None]


@dataclass(frozen=True)
class ViewScore:
    """Means over the cases.

    top_k_error: share of the cases whose label is not among the `topk` likeliest classes.
    labels, predicted: the classes of the cases and the likeliest ones, int64 (cases,), in the order
    of the split.  probabilities: float64 (classes, cases), averaged over the views, in the same
    order; None unless requested.
    """

    cases: int
    views: int
    cost: float
    error: float
    topk: int
    top_k_error: float
    labels: np.ndarray = field(compare=False)
    predicted: np.ndarray = field(compare=False)
    probabilities: np.ndarray | None = field(default=None, compare=False)

    def without_probabilities(self) -> "ViewScore":
        """Return the score without them, so that their memory can be freed."""
        return replace(self, probabilities=None)


@dataclass(frozen=True)
class AveragedBatch:
    """A minibatch's probabilities float64 (classes, cases), averaged over views, and labels.

    index: of the minibatch.
    """

    index: int
    probabilities: np.ndarray
    labels: np.ndarray


def evaluate_views(
    network: Network,
    feed: Feed,
    views: int,
    *,
    topk: int = 5,
    minibatches: int | None = None,
    cost: str | None = None,
    keep_probabilities: bool = False,
    on_minibatch: Callable[[int, int], None] = lambda done, total: None,
) -> ViewScore:
    """Test on 1, 9 or 10 views of each image (docs/dialect.md, 9.2: their order).

    cost: the `cost.logreg` layer whose labels and probabilities are used; the first by default.
    minibatches: how many to test on, evenly spread; None: all.  DataError if the network has no
    such layer.
    """
    topk = min(topk, labels_and_probabilities(network.graph, cost)[1].shape.size)
    smallest = float(np.finfo(network.engine.real).tiny)
    sums, labels, predicted, kept = np.zeros(3), [], [], []
    indices = spread(feed, minibatches)
    for done, batch in enumerate(averaged_batches(network, feed, indices, views, cost), 1):
        sums += scored(batch.probabilities, batch.labels, topk, smallest)
        labels.append(batch.labels)
        predicted.append(batch.probabilities.argmax(axis=0))
        if keep_probabilities:
            kept.append(batch.probabilities)
        on_minibatch(done, len(indices))
    none = np.empty(0, np.int64)
    classes = np.concatenate([none, *labels]), np.concatenate([none, *predicted])
    numbers = sums / max(len(classes[0]), 1)
    score = len(classes[0]), views, float(numbers[0]), float(numbers[1]), topk, float(numbers[2])
    return ViewScore(*score, *classes, np.concatenate(kept, axis=1) if kept else None)


def averaged_batches(
    network: Network, feed: Feed, indices: list[int], views: int, cost: str | None = None
) -> Iterator[AveragedBatch]:
    """Yield the minibatches at `indices` with their probabilities, one after the other.

    views, cost: as in `evaluate_views`.
    """
    nodes = labels_and_probabilities(network.graph, cost)
    with ViewPrefetch(feed, indices, views) as made:
        for index in indices:
            batches = (batch for _, batch in islice(made, views))
            yield AveragedBatch(index, *_averaged(network, batches, views, nodes, made.coming))


def predict(
    network: Network, feed: Feed, index: int, views: int = 1, cost: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities float64 (classes, n), averaged over the views, and labels (n,).

    index: of the minibatch.  cost: as in `evaluate_views`.
    """
    nodes = labels_and_probabilities(network.graph, cost)
    return _averaged(network, feed.views(index, views), views, nodes)


def labels_and_probabilities(graph: Graph, cost: str | None = None) -> tuple[Node, Node]:
    """Return the nodes that a logreg cost reads: that of the name `cost`, by default the first.

    DataError if there is none.
    """
    found = {n.name: n for n in graph.nodes if n.layer.classifies}
    if not found:
        raise DataError(
            "the network has no layer of type cost.logreg whose errors could be measured"
        )
    if cost is not None and cost not in found:
        raise DataError(f"{cost} is not a cost.logreg layer; there is {', '.join(found)}")
    labels, probabilities = found[cost or next(iter(found))].inputs
    return labels, probabilities


def _averaged(
    network: Network,
    batches: Iterable[Batch],
    views: int,
    nodes: tuple[Node, Node],
    coming: Coming = lambda: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (probabilities averaged over the views, labels).

    batches, coming: as in `mean_outputs`.  nodes: of labels and probabilities.
    """
    mean = mean_outputs(network, batches, views, nodes[1], coming)
    return mean, _values(network, nodes[0])[0].astype(np.int64)


def mean_outputs(
    network: Network,
    batches: Iterable[Batch],
    views: int,
    node: Node,
    coming: Coming = lambda: None,
) -> np.ndarray:
    """Return a node's outputs averaged over the views: float64 (values, cases).

    batches: the views of one minibatch.  coming: returns the matrices of the next batch, or None.
    """
    total = np.zeros(())
    for batch in batches:
        network.load(batch.matrices)
        network.run("test")
        network.load_ahead(coming())
        total = total + _values(network, node).astype(np.float64)
    return total / views


def all_views(graph: Graph, side: int) -> int:
    """Return the views of a multiview test: ten; nine where the dialect has nine for CIFAR.

    side: of the images, pixels (docs/dialect.md, 9.2).
    """
    return graph.dialect.cifar_views if side <= 32 else 10


def _values(network: Network, node: Node) -> np.ndarray:
    return network.values(node).reshape(node.shape.size, -1)


def scored(probabilities: np.ndarray, labels: np.ndarray, topk: int, smallest: float) -> np.ndarray:
    """Return [-log p, top-1 errors, top-k errors], summed over the cases.

    Ties count in proportion (docs/dialect.md, 7).  probabilities: (classes, cases); labels:
    (cases,).  p is at least `smallest`.  A label of no class is an error, with p = `smallest`.
    """
    classes = len(probabilities)
    known = (labels >= 0) & (labels < classes)
    chosen = probabilities[np.where(known, labels, 0), np.arange(len(labels))]
    greater = np.where(known, (probabilities > chosen).sum(axis=0), classes)
    equal = (probabilities == chosen).sum(axis=0)
    cost = -np.log(np.maximum(np.where(known, chosen, 0.0), smallest))
    right = [np.clip(k - greater, 0, equal) / np.maximum(equal, 1) for k in (1, topk)]
    return np.array([cost.sum(), (1 - right[0]).sum(), (1 - right[1]).sum()])
