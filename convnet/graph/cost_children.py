"""Costs listed in another's `children` (cuda-convnet2; docs/dialect.md, 7)."""

from convnet.graph.graph import Node
from convnet.language import Problems, did_you_mean, quoted


def check_children(node: Node, above: list[Node], invalid: set[str], problems: Problems) -> None:
    """Report children that are not costs defined above of the same type and number of values."""
    costs = {other.name: other for other in above if other.is_cost}
    for index, name in enumerate(node.layer.child_names()):
        if name in invalid:
            continue
        message, hint = _mistake(node, name, costs)
        if message:
            problems.error(node.span("children", index), f"{node.name}: {message}", hint)


def _mistake(node: Node, name: str, costs: dict[str, Node]) -> tuple[str, str]:
    child = costs.get(name)
    if child is None:
        near = did_you_mean(name, costs)
        return f"the child {quoted(name)} is not a cost defined above it", near
    mine, theirs = node.layer, child.layer
    if mine.type_name != theirs.type_name:
        return f"the child {name} is of type {theirs.type_name}, not {mine.type_name}", ""
    if len(mine.numbers()) != len(theirs.numbers()):
        counts = f"{len(theirs.numbers())} values, {node.name} has {len(mine.numbers())}"
        return f"the child {name} has {counts}; they cannot be added", ""
    return "", ""
