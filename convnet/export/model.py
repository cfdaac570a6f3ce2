"""What is exported: a graph, its arrays, and how its input is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convnet.checkpoint.contents import Checkpoint
from convnet.graph.graph import Graph, Node
from convnet.stored.input_record import InputRecord

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """A network to export.

    graph: the layers.  arrays: weights, biases and random connections by the names of checkpoints.
    input: how the network's input is made of an image, if that is recorded.  class_names: in the
    order of the labels; () if they are not known.
    """

    graph: Graph
    arrays: Mapping[str, np.ndarray]
    input: InputRecord | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, graph: Graph, saved: Checkpoint) -> Model:
        """Return the model of a checkpoint.  graph: built from its spec files."""
        return cls(graph, saved.arrays, saved.input, saved.class_names)

    def weights_name(self, node: Node, index: int) -> str:
        """Return the name of the weights of an input; shared ones have their owner's."""
        owner, at = node.owners[index]
        return f"{owner.name}.weights.{at}"

    def weights(self, node: Node, index: int) -> Array:
        """Return the weights of an input, float32, filters first (docs/export.md)."""
        return filters_first(self.arrays[self.weights_name(node, index)])

    def biases_name(self, node: Node) -> str:
        """Return the name of the biases of a node."""
        return f"{node.name}.biases"

    def biases(self, node: Node) -> Array:
        """Return the biases of a node, float32 (biases,)."""
        return float32(self.arrays[self.biases_name(node)])

    def connections_name(self, node: Node, index: int) -> str:
        """Return the name of the channels that the groups of an input with randSparse see."""
        owner, at = node.owners[index]
        return f"{owner.name}.connections.{at}"

    def connections(self, node: Node, index: int) -> npt.NDArray[np.int64]:
        """Return the channels that the groups of an input see, one group behind the other.

        (docs/dialect.md, 3.3)
        """
        return np.asarray(self.arrays[self.connections_name(node, index)], np.int64)


def filters_first(array: np.ndarray) -> Array:
    """Return stored weights (..., channels, rows, columns, filters) as (..., filters, channels,
    rows, columns); those of full connections as they are.
    """
    return float32(np.moveaxis(array, -1, -4) if array.ndim >= 4 else array)


def float32(array: np.ndarray) -> Array:
    """Return an array as contiguous float32."""
    return np.ascontiguousarray(array, np.float32)
