"""Shared weights: which (layer, input) owns the weights of each input (docs/dialect.md, 5.2)."""

from collections.abc import Mapping

from convnet.graph.graph import Node
from convnet.language import Problems
from convnet.language.fields import WeightSource


def find_owners(
    node: Node, above: Mapping[str, Node], invalid: set[str], problems: Problems
) -> None:
    """Fill `node.owners`; errors in `weightSource` go to `problems`.

    above: the declared nodes before it, by name.  invalid: names of layers with errors.
    """
    weights = node.layer.weights()
    sources = node.layer.field_value("weight_source") or [None] * len(weights)
    if node.layer.field_value("init_w_func") and any(sources):
        problems.warn(
            node.span("weight_source", None),
            f"{node.name}: initWFunc takes precedence over weightSource, which has no effect",
        )
        sources = [None] * len(weights)
    for index, source in enumerate(sources[: len(weights)]):
        owner = None
        if source is not None and source[0] not in invalid:
            owner = _owner(node, index, source, above, problems)
        node.owners.append(owner or (node, index))


def _owner(
    node: Node, index: int, source: WeightSource, above: Mapping[str, Node], problems: Problems
) -> tuple[Node, int] | None:
    name, at = source
    span = node.span("weight_source", index)
    if name == node.name:
        if at < index:
            return node.owners[at]
        problems.error(
            span,
            f"{node.name}: input {index} shares the weights of input {at} of the layer itself",
            "within a layer, only the weights of earlier inputs can be shared",
        )
        return None
    other = above.get(name)
    if other is None:
        message = f"{node.name} shares the weights of {name}, which is not defined above it"
        hint = problems.similar(name, (n.name for n in above.values() if n.layer.weights()))
        problems.error(span, message, hint)
        return None
    message = _mismatch(node, index, other, at)
    if message:
        problems.error(span, f"{node.name}: {message}")
        return None
    return other.owners[at]


def _mismatch(node: Node, index: int, other: Node, at: int) -> str:
    """Why input `index` of a node cannot use the weights of input `at` of another; "" if it can."""
    mine, theirs = node.layer.weights()[index].shape, [w.shape for w in other.layer.weights()]
    if type(other.layer) is not type(node.layer):
        return (
            f"layers that share weights must be of the same type; {other.name} is of type "
            f"{other.layer.type_name}, {node.name} of type {node.layer.type_name}"
        )
    if at >= len(theirs):
        inputs = f"{len(theirs)} input{'s' * (len(theirs) != 1)}, counted from 0"
        return f"there is no {other.name}[{at}] to share weights with; {other.name} has {inputs}"
    if theirs[at] != mine:
        shapes = f"{_shown(theirs[at])} weights, {node.name} needs {_shown(mine)}"
        return f"shared weights must have the same shape; {other.name}[{at}] has {shapes}"
    message = node.layer.shared_mismatch(index, other.layer, at)
    if message:
        return message
    if other.devices != node.devices:
        places = f"{other.name} is on {_on(other)}, {node.name} on {_on(node)}"
        return f"layers that share weights must be on the same device; {places}"
    return ""


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _on(node: Node) -> str:
    return f"device{'s' * (len(node.devices) != 1)} {', '.join(map(str, node.devices))}"
