"""Copy a minibatch's matrices to the memory of the data layers, after checking them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from convnet.errors import DataError
from convnet.graph.place import Unit
from convnet.layers.data import Data
from convnet.network.engine import Engine
from convnet.network.plan import Plan


class Loader:
    """Fills the host's memory of a plan's data layers on an engine."""

    def __init__(self, plan: Plan, engine: Engine):
        self.plan, self.engine = plan, engine
        layers = ((unit, unit.layer) for unit in plan.units)
        self._sources = [(unit, layer) for unit, layer in layers if isinstance(layer, Data)]

    def fill(self, matrices: dict[int, np.ndarray]) -> int:
        """Fill all of it with (values, cases) arrays by dataIdx; the cases, 0 without data layers.

        DataError if they do not fit; then nothing is changed.
        """
        found = [self._matrix(unit, layer, matrices) for unit, layer in self._sources]
        counts = sorted({matrix.shape[1] for matrix in found})
        if len(counts) > 1:
            raise DataError(f"the data matrices differ in their cases: {counts}")
        cases = counts[0] if counts else 0
        for (unit, layer), matrix in zip(self._sources, found, strict=True):
            self._fill_unit(unit, matrix[layer.start :], self.plan.sizes(cases))
        return cases

    def cases_needed(self, data_idx: int) -> Callable[[int], list[tuple[int, int]]]:
        """Return the function that gives the cases of a matrix that are read in this process.

        It takes the number of cases in a minibatch and gives (first, end) of each part.  It does
        not keep the engine's memory alive.
        """
        units = [unit for unit, layer in self._sources if layer.data_idx == data_idx]
        read = sorted({unit.replica for unit in units if self._is_read(unit)})
        return partial(_ranges, self.plan, read)

    def _is_read(self, unit: Unit) -> bool:
        return self.engine.has(self.plan.outputs[unit.name].buffer)

    def _fill_unit(self, unit: Unit, rows: np.ndarray, sizes: tuple[int, ...]) -> None:
        """Fill a unit's memory with as many of the rows, and with the cases of its microbatch."""
        view = self.plan.outputs[unit.name]
        first, count = unit.replica * sizes[0], sizes[unit.replica]
        if count:
            part = rows[: unit.shape.size, first : first + count]
            self.engine.fill(view, count, part.reshape(*view.dims, count))

    def _matrix(self, unit: Unit, layer: Data, matrices: dict[int, np.ndarray]) -> np.ndarray:
        """The matrix that a data layer reads.  DataError if it does not fit."""
        matrix = matrices.get(layer.data_idx)
        needed = layer.start + unit.shape.size
        if matrix is None:
            raise DataError(f"{unit.name} reads data matrix {layer.data_idx}, which is not given")
        if matrix.ndim != 2 or matrix.shape[0] < needed:
            raise DataError(
                f"{unit.name} needs {needed} values per case in data matrix {layer.data_idx}, "
                f"found an array of shape {matrix.shape}"
            )
        if not 1 <= matrix.shape[1] <= self.plan.minibatch:
            raise DataError(
                f"a minibatch may have 1 to {self.plan.minibatch} cases here, found "
                f"{matrix.shape[1]}"
            )
        return matrix


def _ranges(plan: Plan, microbatches: list[int], cases: int) -> list[tuple[int, int]]:
    """Return the cases of some microbatches, neighboring ones joined."""
    sizes = plan.sizes(cases)
    found: list[tuple[int, int]] = []
    for first, count in ((number * sizes[0], sizes[number]) for number in microbatches):
        if found and found[-1][1] == first:
            found[-1] = found[-1][0], first + count
        elif count:
            found.append((first, first + count))
    return found
