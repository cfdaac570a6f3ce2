"""Testing on several views of each image: probabilities averaged, then costed once (dialect, 7)."""

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from convnet.data import Feed, ViewPrefetch
from convnet.errors import DataError
from convnet.network.network import Network
from convnet.train.evaluate import spread


@dataclass(frozen=True)
class ViewScore:
    """Means over the cases.  top_k_error: the label is not among the `topk` likeliest classes.

    probabilities: float64 (classes, cases), averaged over the views, and labels (cases,), in the
    order of the split; None unless asked for.
    """

    cases: int
    views: int
    cost: float
    error: float
    topk: int
    top_k_error: float
    probabilities: np.ndarray | None = None
    labels: np.ndarray | None = None

    def without_probabilities(self) -> "ViewScore":
        return replace(self, probabilities=None, labels=None)


def evaluate_views(
    network: Network,
    feed: Feed,
    views: int,
    *,
    topk: int = 5,
    minibatches: int | None = None,
    cost: str | None = None,
    keep_probabilities: bool = False,
    on_minibatch=lambda done, total: None,
) -> ViewScore:
    """Test on 1, 9 or 10 views of each image (dialect, 9.2: their order).

    cost: the `cost.logreg` layer whose labels and probabilities are taken; the first by default.
    minibatches: of so many only, evenly spread.  DataError if the network has no such layer.
    """
    labels_node, softmax = _inputs_of(network, cost)
    topk = min(topk, softmax.shape.size)
    sums, cases, kept = np.zeros(3), 0, []
    indices = spread(feed, minibatches)
    with ViewPrefetch(feed, indices, views) as made:
        for done in range(1, len(indices) + 1):
            batches = (batch for _, batch in islice(made, views))
            nodes = labels_node, softmax
            mean, labels = _averaged(network, batches, views, *nodes, made.coming)
            sums += scored(mean, labels, topk, np.finfo(network.engine.real).tiny)
            cases += len(labels)
            if keep_probabilities:
                kept.append((mean, labels))
            on_minibatch(done, len(indices))
    numbers = sums / max(cases, 1)
    score = cases, views, float(numbers[0]), float(numbers[1]), topk, float(numbers[2])
    return ViewScore(*score, *(_joined(kept) if kept else ()))


def predict(
    network: Network, feed: Feed, index: int, views: int = 1, cost: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64 (classes, n), averaged over the views, and labels (n,) of a minibatch.

    cost: as in `evaluate_views`.
    """
    labels_node, softmax = _inputs_of(network, cost)
    return _averaged(network, feed.views(index, views), views, labels_node, softmax)


def _inputs_of(network, cost):
    """The nodes that a logreg cost reads: labels, probabilities."""
    found = {n.name: n for n in network.graph.nodes if n.layer.classifies}
    if not found:
        raise DataError("the network has no layer of type cost.logreg, whose errors could be told")
    if cost is not None and cost not in found:
        raise DataError(f"{cost} is no cost.logreg layer; there is {', '.join(found)}")
    return found[cost or next(iter(found))].inputs


def _averaged(network, batches, views, labels_node, softmax, coming=lambda: None):
    """(probabilities averaged over the views, labels).  coming(): the matrices behind a batch's."""
    total, labels = 0.0, None
    for batch in batches:
        network.load(batch.matrices)
        network.run("test")
        network.load_ahead(coming())
        total = total + _values(network, softmax).astype(np.float64)
        labels = _values(network, labels_node)[0].astype(np.int64)
    return total / views, labels


def _values(network, node):
    return network.values(node).reshape(node.shape.size, -1)


def _joined(kept):
    probabilities, labels = zip(*kept, strict=True)
    return np.concatenate(probabilities, axis=1), np.concatenate(labels)


def scored(probabilities, labels, topk: int, smallest: float) -> np.ndarray:
    """[-log p, top-1 errors, top-k errors], summed over the cases, by the tie rule (dialect, 7).

    probabilities (classes, cases); labels (cases,).  p is taken for no less than `smallest`.  A
    label that names no class is wrong, with the smallest probability.
    """
    classes = len(probabilities)
    known = (labels >= 0) & (labels < classes)
    chosen = probabilities[np.where(known, labels, 0), np.arange(len(labels))]
    greater = np.where(known, (probabilities > chosen).sum(axis=0), classes)
    equal = (probabilities == chosen).sum(axis=0)
    cost = -np.log(np.maximum(np.where(known, chosen, 0.0), smallest))
    right = [np.clip(k - greater, 0, equal) / np.maximum(equal, 1) for k in (1, topk)]
    return np.array([cost.sum(), (1 - right[0]).sum(), (1 - right[1]).sum()])
