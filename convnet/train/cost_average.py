"""Means over cases of the numbers that cost layers report."""

from collections.abc import Iterable, Mapping
from typing import cast

from convnet.layers.cost import Cost
from convnet.network.cost_report import reported
from convnet.network.network import Network

Costs = dict[str, dict[str, float]]  # cost layer -> name of a number -> mean per case


class Average:
    """Adds up the numbers of cost layers and the cases that they are sums over.

    Sums are taken in the order of the minibatches, in float64, so a mean over an interrupted and
    resumed run is bit-for-bit that of an uninterrupted one.
    """

    def __init__(self, sums: Mapping[str, Iterable[float]] | None = None, cases: int = 0):
        self.sums = {name: [float(n) for n in numbers] for name, numbers in (sums or {}).items()}
        self.cases = cases

    def add(self, costs: Mapping[str, Iterable[float]], cases: int) -> None:
        """Add the numbers of each cost layer, summed over `cases`, as `Network.costs` returns."""
        for name, found in costs.items():
            numbers = list(found)
            before = self.sums.get(name, [0.0] * len(numbers))
            self.sums[name] = [a + float(b) for a, b in zip(before, numbers, strict=True)]
        self.cases += cases

    def per_case(self, layers: dict[str, Cost]) -> Costs:
        """Return the means; `layers` as returned by `cost_layers`."""
        return reported(layers, self.sums, self.cases)


def judged(costs: Costs) -> tuple[str, float]:
    """Return name and value of the number that a net is judged by.

    It is the first error of the first cost layer, or its first number if it has no error.
    """
    numbers = next(iter(costs.values()))
    errors = [item for item in numbers.items() if item[0].endswith("error")]
    return (errors or list(numbers.items()))[0]


def cost_layers(network: Network) -> dict[str, Cost]:
    """Return the cost layers by name; they name their numbers and know how to report them."""
    return {name: cast(Cost, network.graph.node(name).layer) for name in network.plan.costs}
