"""The numbers that are shown of costs, from the sums over cases that a network leaves."""

from collections.abc import Mapping, Sequence

from convnet.layers.cost import Cost


def reported(
    layers: Mapping[str, Cost], sums: Mapping[str, Sequence[float]], cases: int
) -> dict[str, dict[str, float]]:
    """cost layer -> name of a number -> value, of costs that are no other cost's children.

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
    name: str, layers: Mapping[str, Cost], sums: Mapping[str, Sequence[float]]
) -> list[float]:
    total = [float(number) for number in sums[name]]
    for child in layers[name].child_names():
        added = _with_children(child, layers, sums)
        total = [a + b for a, b in zip(total, added, strict=True)]
    return total
