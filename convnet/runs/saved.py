"""The network of a checkpoint: its graph and weights, as commands and reports look at them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from convnet.checkpoint import Checkpoint, Found
from convnet.graph.build import Graph, Node, build
from convnet.graph.checkpoint_facts import check_weights, stored_facts
from convnet.language.specs import Specs


@dataclass
class Saved:
    """A checkpoint, where it was found, and its specs."""

    path: Path
    checkpoint: Checkpoint
    specs: Specs

    @classmethod
    def of(cls, found: Found) -> Self:
        """Parse the specs of a checkpoint that was found."""
        loaded = found.checkpoint
        return cls(found.path, loaded, Specs.parse(loaded.layers, loaded.params))

    def graph(self) -> Graph:
        """Return the graph with the sizes and the tree of labels that it was trained with.

        Raises CheckpointError if the checkpoint lacks weights of it.
        """
        specs, saved = self.specs, self.checkpoint
        graph = build(
            specs.layers,
            specs.params,
            specs.problems,
            dialect=saved.dialect,
            **stored_facts(saved.options, saved.path),
        )
        check_weights(graph, {n: a.shape for n, a in saved.arrays.items()}, saved.path)
        return graph

    def facts(self) -> dict[str, Any]:
        """Return what `convnet.checkpoint.read_header` returns, as far as summaries use it."""
        saved = self.checkpoint
        found = {key: getattr(saved, key) for key in ("seed", "data", "options", "history")}
        files = {"layers": saved.layers, "params": saved.params}
        texts = {name: source.text for name, source in files.items()}
        paths = {f"{name}_path": source.path for name, source in files.items()}
        position = saved.position
        place = [position.epoch, position.minibatch, position.step, position.per_epoch]
        return {**found, **texts, **paths, "position": place, "created": saved.created}

    def weights(self, node: Node, index: int) -> np.ndarray:
        """Return the weights of an input of a node, in the network's order.

        A node that shares its weights has those of their owner.
        """
        owner, at = node.owners[index]
        return self.checkpoint.arrays[f"{owner.name}.weights.{at}"]
