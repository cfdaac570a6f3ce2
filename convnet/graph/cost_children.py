"""Costs listed in another's `children` (cuda-convnet2; dialect, 7)."""

from convnet.graph.graph import Node
from convnet.language import Problems, did_you_mean, quoted


def find_children(node: Node, above: list[Node], broken: set[str], problems: Problems) -> None:
    """Report children that are no costs of the same type, with the same numbers, defined above."""
    costs = {other.name: other for other in above if other.is_cost}
    for index, name in enumerate(node.layer.child_names()):
        if name in broken:
            continue
        message, hint = _mistake(node, name, costs)
        if message:
            problems.error(node.span("children", index), f"{node.name}: {message}", hint)


def _mistake(node, name, costs) -> tuple[str, str]:
    child = costs.get(name)
    if child is None:
        near = did_you_mean(name, costs)
        return f"the child {quoted(name)} is no cost defined above", near or ""
    mine, theirs = node.layer, child.layer
    if type(mine) is not type(theirs):
        return f"the child {name} is of type {theirs.type_name}, not {mine.type_name}", ""
    if len(mine.numbers()) != len(theirs.numbers()):
        count = f"{len(theirs.numbers())} numbers, {node.name} {len(mine.numbers())}"
        return f"the child {name} has {count}; they cannot be added", ""
    return "", ""
