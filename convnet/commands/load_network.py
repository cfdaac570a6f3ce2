"""A network from a checkpoint, for the commands that inspect one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet import checkpoint
from convnet.checkpoint import Checkpoint, Found
from convnet.commands.console import note
from convnet.errors import CheckpointError
from convnet.graph.build import Graph, Node, build
from convnet.graph.checkpoint_facts import check_weights, stored_facts
from convnet.language.specs import Specs

RUNS = Path("checkpoints")


@dataclass
class Saved:
    """A checkpoint, where it was found, and its specs."""

    path: Path
    checkpoint: Checkpoint
    specs: Specs

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

    def weights(self, node: Node, index: int) -> np.ndarray:
        """Return the weights of an input of a node, in the network's order.

        A node that shares its weights has those of their owner.
        """
        owner, at = node.owners[index]
        return self.checkpoint.arrays[f"{owner.name}.weights.{at}"]


def find(load: Path | None) -> Path:
    """Return the path of the checkpoint to load; None means the newest of all runs.

    Raises CheckpointError if there is none.
    """
    return checkpoint.newest(_place(load))


def load(path: Path | None, *, for_test: bool = False) -> Saved:
    """Return the checkpoint that `find` finds, or the newest undamaged one, with parsed files.

    for_test: without the arrays that only training needs.
    """
    found = load_newest(_place(path), for_test=for_test)
    loaded = found.checkpoint
    return Saved(found.path, loaded, Specs.parse(loaded.layers, loaded.params))


def load_newest(path: Path, *, for_test: bool = False) -> Found:
    """Return the newest undamaged checkpoint, and print which damaged ones are passed over."""
    found = checkpoint.load_newest(path, for_test=for_test)
    for reason in found.passed_over.values():
        note(f"{reason}; going on from {found.path}")
    return found


def _place(load: Path | None) -> Path:
    if load is None and not RUNS.is_dir():
        raise CheckpointError(
            f"there is no folder {RUNS} here, where `convnet train` saves; give a checkpoint or a "
            "run's folder with --load"
        )
    return load if load is not None else RUNS
