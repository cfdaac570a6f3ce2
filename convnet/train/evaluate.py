"""Test a network: the costs of its test program over a split, one view of each image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convnet.data.pipeline.feed import Feed
from convnet.data.pipeline.prefetch import Prefetch
from convnet.network.network import Network
from convnet.train.cost_average import Average, Costs, cost_layers


@dataclass(frozen=True)
class Score:
    """Mean costs per case over `cases`: {cost layer: {number: mean}}."""

    cases: int
    costs: Costs


def evaluate(
    network: Network,
    feed: Feed,
    *,
    minibatches: int | None = None,
    should_stop: Callable[[], object] = lambda: False,
    wait: Callable[[Callable[[], Any]], Any] = lambda wait: wait(),
) -> Score | None:
    """Test on the whole split, or on `minibatches` of it, evenly spread.

    Returns None if `should_stop`, which is called before each minibatch, returned something true.
    wait: calls the function that waits for a minibatch, and returns what it returns.
    """
    average = Average()
    with Prefetch(feed, ((0, index) for index in spread(feed, minibatches))) as batches:
        while (batch := wait(lambda: next(batches, (None, None)))[1]) is not None:
            if should_stop():
                return None
            network.load(batch.matrices)
            network.run("test")
            network.load_ahead(batches.coming())
            average.add(network.costs(), batch.cases)
    return Score(average.cases, average.per_case(cost_layers(network)))


def spread(feed: Feed, minibatches: int | None) -> list[int]:
    """Return the indices of that many minibatches of an epoch, evenly spread; None: of all."""
    total = feed.minibatches_per_epoch
    if minibatches is None or minibatches >= total:
        return list(range(total))
    return [int(index) for index in np.arange(minibatches) * total // max(minibatches, 1)]
