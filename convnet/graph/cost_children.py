"""Costs listed in another's `children` (cuda-convnet2; docs/dialect.md, 7)."""

from collections.abc import Mapping

from convnet.graph.graph import Node
from convnet.language import Problems, quoted
from convnet.layers.cost import Cost


def check_children(
    node: Node, above: Mapping[str, Node], invalid: set[str], problems: Problems
) -> None:
    """Report a cost's children that are not costs above it of the same type and number of values.

    above: the nodes defined before it, by name.  invalid: names of layers with errors.
    """
    if not isinstance(node.layer, Cost):
        return
    for index, name in enumerate(node.layer.child_names()):
        if name in invalid:
            continue
        message, hint = _mismatch(node.layer, name, above, problems)
        if message:
            problems.error(node.span("children", index), f"{node.name}: {message}", hint)


def _mismatch(
    cost: Cost, name: str, above: Mapping[str, Node], problems: Problems
) -> tuple[str, str]:
    """Why `name` is no child of a cost, and a hint; "" if it is."""
    child = above[name].layer if name in above else None
    if not isinstance(child, Cost):
        message = f"the child {quoted(name)} is not a cost defined above it"
        return message, problems.similar(name, (n for n, node in above.items() if node.is_cost))
    if type(cost) is not type(child):
        return f"the child {name} is of type {child.type_name}, not {cost.type_name}", ""
    if len(cost.numbers()) != len(child.numbers()):
        counts = f"{len(child.numbers())} values, {cost.name} has {len(cost.numbers())}"
        return f"the child {name} has {counts}; they cannot be added", ""
    return "", ""
