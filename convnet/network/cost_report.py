"""The numbers reported of costs, from the sums over cases that a run leaves."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from convnet.layers.cost import Cost

Numbers = Sequence[float] | npt.NDArray[np.float64]


def reported(
    layers: Mapping[str, Cost], sums: Mapping[str, Numbers], cases: int
) -> dict[str, dict[str, float]]:
    """Return {cost layer: {name of a number: value}}, without costs that are children of others.

    layers: cost layers by name; sums: their numbers, summed over `cases`.  Children's sums are
    added to their parent's.
    """
    children = {name for layer in layers.values() for name in layer.child_names()}
    return {
        name: layers[name].report(_with_children(name, layers, sums), cases)
        for name in sums
        if name not in children
    }


def _with_children(
    name: str, layers: Mapping[str, Cost], sums: Mapping[str, Numbers]
) -> list[float]:
    total = [float(number) for number in sums[name]]
    for child in layers[name].child_names():
        added = _with_children(child, layers, sums)
        total = [a + b for a, b in zip(total, added, strict=True)]
    return total
