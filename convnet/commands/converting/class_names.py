"""The names of the classes, in a file of one name a line."""

from pathlib import Path

from convnet.display import harmless
from convnet.errors import DataError
from convnet.graph.graph import Graph
from convnet.stored.files import plain_bytes

_LARGEST = 64 << 20  # bytes


def read_class_names(path: Path | None, graph: Graph) -> tuple[str, ...]:
    """Return the names in a file, one for each class of a network; () without a file.

    DataError if there are more or fewer than the network has classes.
    """
    if path is None:
        return ()
    shown = harmless(str(path))
    try:
        names = tuple(plain_bytes(path, _LARGEST).decode().splitlines())
    except UnicodeDecodeError:
        raise DataError(f"{shown}: is no text in UTF-8; names of classes were expected") from None
    outputs = _classes(graph)
    if outputs is not None and len(names) != outputs:
        raise DataError(
            f"{shown}: has {len(names):,} lines, the network {outputs:,} classes; one name a line "
            "was expected"
        )
    return names


def _classes(graph: Graph) -> int | None:
    """How many classes the first cost over classes has; None without such a cost."""
    costs = (node for node in graph.nodes if node.is_cost and node.layer.classifies)
    return next((cost.inputs[-1].shape.size for cost in costs), None)
