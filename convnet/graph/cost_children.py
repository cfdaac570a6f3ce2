"""Costs listed in another's `children` (cuda-convnet2; docs/dialect.md, 7)."""

from convnet.graph.graph import Node
from convnet.language import Problems, did_you_mean, quoted
from convnet.layers.cost import Cost


def check_children(node: Node, above: list[Node], invalid: set[str], problems: Problems) -> None:
    """Report a cost's children that are not costs above it of the same type and number of values.

    above: the nodes defined before it.  invalid: names of layers with errors.
    """
    if not isinstance(node.layer, Cost):
        return
    costs = {other.name: other.layer for other in above if isinstance(other.layer, Cost)}
    for index, name in enumerate(node.layer.child_names()):
        if name in invalid:
            continue
        message, hint = _mismatch(node.layer, name, costs)
        if message:
            problems.error(node.span("children", index), f"{node.name}: {message}", hint)


def _mismatch(cost: Cost, name: str, costs: dict[str, Cost]) -> tuple[str, str]:
    """Why `name` is no child of a cost, and a hint; "" if it is."""
    child = costs.get(name)
    if child is None:
        message = f"the child {quoted(name)} is not a cost defined above it"
        return message, did_you_mean(name, costs)
    if type(cost) is not type(child):
        return f"the child {name} is of type {child.type_name}, not {cost.type_name}", ""
    if len(cost.numbers()) != len(child.numbers()):
        counts = f"{len(child.numbers())} values, {cost.name} has {len(cost.numbers())}"
        return f"the child {name} has {counts}; they cannot be added", ""
    return "", ""
