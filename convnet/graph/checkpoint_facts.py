"""What a graph was built with besides its files, in the form a checkpoint's options hold it."""

from convnet.errors import CheckpointError
from convnet.graph.graph import Graph
from convnet.layers import Tree


def facts_to_store(graph: Graph) -> dict:
    """A JSON object: `data_dims`, values per case of each data matrix, and `tree` if it has one."""
    facts = {"data_dims": {str(index): rows for index, rows in graph.data_dims.items()}}
    if graph.tree is None:
        return facts
    children = {str(label): list(below) for label, below in graph.tree.children.items()}
    return {**facts, "tree": {"root": graph.tree.root, "children": children}}


def stored_facts(options: dict) -> dict:
    """`data_dims` and `tree` for `build`, from a checkpoint's options.  CheckpointError."""
    dims = {int(index): rows for index, rows in options.get("data_dims", {}).items()}
    tree = options.get("tree")
    return {"data_dims": dims, "tree": None if tree is None else _tree(tree)}


def _tree(stored) -> Tree:
    try:
        children = {int(label): tuple(below) for label, below in stored["children"].items()}
        return Tree(children, stored["root"])
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise CheckpointError(
            f"the checkpoint is damaged: its tree of labels is no tree ({problem})"
        ) from None
