"""What a graph was built with beside its files, as a checkpoint's options store it."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from convnet.errors import CheckpointError
from convnet.graph.graph import Graph, Node
from convnet.layers import Tree
from convnet.layers.weighted import WeightLayer


class Facts(TypedDict):
    """Arguments of `build`: values per case of each data matrix, the tree of labels if any."""

    data_dims: dict[int, int]
    tree: Tree | None


def facts_to_store(graph: Graph) -> dict[str, object]:
    """Return a JSON object with the graph's `data_dims` and, if it has one, `tree`."""
    facts: dict[str, object] = {
        "data_dims": {str(index): rows for index, rows in graph.data_dims.items()}
    }
    if graph.tree is None:
        return facts
    children = {str(label): list(below) for label, below in graph.tree.children.items()}
    return {**facts, "tree": {"root": graph.tree.root, "children": children}}


def stored_facts(options: dict[str, Any], source: str = "the checkpoint") -> Facts:
    """Return `data_dims` and `tree` for `build` from a checkpoint's options.

    source: the checkpoint, for the message.  Raises CheckpointError if the tree is damaged.
    """
    dims = {int(index): rows for index, rows in options.get("data_dims", {}).items()}
    tree = options.get("tree")
    return {"data_dims": dims, "tree": None if tree is None else _tree(tree, source)}


def _tree(stored: Any, source: str) -> Tree:
    try:
        children = {int(label): tuple(below) for label, below in stored["children"].items()}
        return Tree(children, stored["root"])
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise CheckpointError(
            f"{source} is damaged: its tree of labels is not valid ({problem})"
        ) from None


def check_weights(graph: Graph, shapes: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Raise CheckpointError unless a checkpoint has the weights and biases of a graph's layers.

    shapes: those of its arrays by name.  source: the checkpoint, for the message.
    """
    for node in graph.declared():
        for name, shape in _weights(node).items():
            found = shapes.get(name)
            if found != shape:
                sizes = ["x".join(map(str, sides)) for sides in (shape, found or ())]
                raise CheckpointError(
                    f"{source}: is damaged: {name}: its layer file declares an array of "
                    f"{sizes[0]}, found {'none' if found is None else sizes[1] or 'one value'}"
                )


def _weights(node: Node) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's own weights and its biases, by the names of checkpoints."""
    specs = node.layer.weights()
    shapes = {
        f"{node.name}.weights.{index}": tuple(spec.shape)
        for index, spec in enumerate(specs)
        if node.owns(index)
    }
    biases = cast(WeightLayer, node.layer).biases() if specs else None
    return shapes | ({f"{node.name}.biases": (biases.size,)} if biases else {})
