"""Means of cost numbers over cases."""

from convnet.network.cost_report import reported


class Average:
    """Adds up the numbers of cost layers and the cases that they are sums over.

    Sums go in the order of the minibatches, in float64, so a mean that was interrupted and resumed
    is the mean that was not.
    """

    def __init__(self, sums: dict[str, list[float]] | None = None, cases: int = 0):
        self.sums, self.cases = dict(sums or {}), cases

    def add(self, costs: dict, cases: int) -> None:
        """costs: cost layer -> numbers summed over `cases`, as `Network.costs` gives them."""
        for name, numbers in costs.items():
            before = self.sums.get(name, [0.0] * len(numbers))
            self.sums[name] = [a + float(b) for a, b in zip(before, numbers, strict=True)]
        self.cases += cases

    def per_case(self, layers: dict) -> dict[str, dict[str, float]]:
        """cost layer -> name of a number -> mean; `layers` as `cost_layers` gives them."""
        return reported(layers, self.sums, self.cases)


def judged(costs: dict[str, dict[str, float]]) -> tuple[str, float]:
    """Name and value of the number that a net is judged by.

    It is the first error of the first cost layer, or its first number if it has no error.
    """
    numbers = next(iter(costs.values()))
    errors = [item for item in numbers.items() if item[0].endswith("error")]
    return (errors or list(numbers.items()))[0]


def cost_layers(network) -> dict:
    """The cost layers by name; they know the names of their numbers, and how to show them."""
    return {name: network.graph.node(name).layer for name in network.plan.costs}
