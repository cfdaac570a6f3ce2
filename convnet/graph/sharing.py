"""Shared weights: which (layer, input) owns the weights of each input (dialect, 5.2)."""

from convnet.graph.graph import Node
from convnet.language import Problems, did_you_mean


def find_owners(node: Node, above: list[Node], broken: set[str], problems: Problems) -> None:
    """Fill `node.owners`; mistakes in `weightSource` go to `problems`."""
    weights = node.layer.weights()
    sources = node.layer.field_value("weight_source") or [None] * len(weights)
    if node.layer.field_value("init_w_func") and any(sources):
        problems.warn(
            node.span("weight_source", None),
            f"{node.name}: initWFunc comes before weightSource, which has no effect beside it",
        )
        sources = [None] * len(weights)
    for index, source in enumerate(sources[: len(weights)]):
        owner = None
        if source is not None and source[0] not in broken:
            owner = _owner(node, index, source, above, problems)
        node.owners.append(owner or (node, index))


def _owner(node, index, source, above, problems):
    name, at = source
    span = node.span("weight_source", index)
    if name == node.name:
        if at < index:
            return node.owners[at]
        problems.error(
            span,
            f"{node.name}: input {index} shares the weights of input {at} of the layer itself",
            "within a layer only inputs further left can be shared",
        )
        return None
    other = next((n for n in above if n.name == name and n.folded_into is None), None)
    if other is None:
        message = f"{node.name} shares the weights of {name}, which is not defined above it"
        hint = did_you_mean(name, [n.name for n in above if n.layer.weights()])
        problems.error(span, message, hint)
        return None
    message = _mismatch(node, index, other, at)
    if message:
        problems.error(span, f"{node.name}: {message}")
        return None
    return other.owners[at]


def _mismatch(node, index, other, at) -> str:
    """Why input `index` of a node cannot use the weights of input `at` of another; "" if it can."""
    mine, theirs = node.layer.weights()[index].shape, [w.shape for w in other.layer.weights()]
    if type(other.layer) is not type(node.layer):
        return (
            f"shared weights must be of one layer type; {other.name} is of type "
            f"{other.layer.type_name}, {node.name} of type {node.layer.type_name}"
        )
    if at >= len(theirs):
        inputs = f"{len(theirs)} input{'s' * (len(theirs) != 1)}, counted from 0"
        return f"there is no {other.name}[{at}] to share weights with; {other.name} has {inputs}"
    if theirs[at] != mine:
        shapes = f"{_shown(theirs[at])} weights, {node.name} needs {_shown(mine)}"
        return f"shared weights must have one shape; {other.name}[{at}] has {shapes}"
    message = node.layer.shared_mismatch(index, other.layer, at)
    if message:
        return message
    if other.devices != node.devices:
        places = f"{other.name} is on {_on(other)}, {node.name} on {_on(node)}"
        return f"shared weights must be on one device; {places}"
    return ""


def _shown(shape) -> str:
    return "x".join(map(str, shape))


def _on(node) -> str:
    return f"device{'s' * (len(node.devices) != 1)} {', '.join(map(str, node.devices))}"
