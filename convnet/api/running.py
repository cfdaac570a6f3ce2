"""The state of a network in memory, and its passes; the base of the parts of `Net`."""

from __future__ import annotations

import numpy.typing as npt

from convnet.errors import ConvnetError
from convnet.graph.build import Graph
from convnet.language.specs import Specs
from convnet.network.given_arrays import checked_matrices
from convnet.network.network import Network
from convnet.stored.input_record import InputRecord

GRADIENT_RUNS = ("backward", "train")
RUNS = ("forward", *GRADIENT_RUNS)
_PROGRAMS = {"forward": "test", "backward": "gradients", "train": "train"}


class Running:
    """Holds the network and runs its programs on arrays.  `Net` sets the attributes."""

    specs: Specs
    seed: int
    graph: Graph
    network: Network
    input: InputRecord | None
    class_names: tuple[str, ...]
    _ran: set[str]  # the calls so far

    def _forget_runs(self) -> None:
        self._ran = set()

    def _run(self, call: str, matrices: tuple[npt.ArrayLike, ...], needs_all: bool = True) -> None:
        self._load(matrices, needs_all)
        self._start(call)

    def _start(self, call: str) -> None:
        self.network.run(_PROGRAMS[call])
        self._ran.add(call)

    def _load(self, matrices: tuple[npt.ArrayLike, ...], needs_all: bool = True) -> None:
        network = self.network
        real = network.engine.real
        network.load(checked_matrices(self.graph, matrices, network.minibatch, real, needs_all))

    def _refuse_unless_trainable(self) -> None:
        if "train" not in self.network.plan.programs:
            raise ConvnetError(
                "the network was made with training=False, without memory for gradients: make it "
                "without that argument to train it"
            )

    def _refuse_unless_run(self, what: str, calls: tuple[str, ...]) -> None:
        if self._ran.isdisjoint(calls):
            raise ConvnetError(f"there are no {what} yet: call {', '.join(calls)} first")
