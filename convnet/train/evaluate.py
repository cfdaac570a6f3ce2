"""Testing a network: the costs of its test program over a split, one view of each image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convnet.data import Feed, Prefetch
from convnet.network.network import Network
from convnet.train.cost_average import Average, cost_layers


@dataclass(frozen=True)
class Score:
    """cases, and the mean numbers of each cost layer: {layer: {number: per case}}."""

    cases: int
    costs: dict[str, dict[str, float]]


def evaluate(
    network: Network,
    feed: Feed,
    *,
    minibatches: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Score | None:
    """Test on the whole split, or on `minibatches` of it, evenly spread.

    None if `should_stop` said so on the way.
    """
    average = Average()
    with Prefetch(feed, ((0, index) for index in spread(feed, minibatches))) as batches:
        for _, batch in batches:
            if should_stop():
                return None
            network.load(batch.matrices)
            network.run("test")
            network.load_ahead(batches.coming())
            average.add(network.costs(), batch.cases)
    return Score(average.cases, average.per_case(cost_layers(network)))


def spread(feed: Feed, minibatches: int | None) -> list[int]:
    """Indices of so many minibatches of an epoch, evenly spread, or of all."""
    total = feed.minibatches_per_epoch
    if minibatches is None or minibatches >= total:
        return list(range(total))
    return [int(index) for index in np.arange(minibatches) * total // max(minibatches, 1)]
