"""From a minibatch's matrices to the memory of the data layers, checked and cut to size."""

import numpy as np

from convnet.errors import DataError
from convnet.network.plan import Plan


class Loader:
    """Fills the host's memory of a plan's data layers on an engine."""

    def __init__(self, plan: Plan, engine):
        self.plan, self.engine = plan, engine
        self._units = [unit for unit in plan.units if unit.is_data]

    def fill(self, matrices: dict[int, np.ndarray]) -> int:
        """Fill all of it with (values, cases) arrays by dataIdx; the cases, 0 without data layers.

        DataError if they do not fit; then nothing is changed.
        """
        found = [self._matrix(unit, matrices) for unit in self._units]
        counts = sorted({matrix.shape[1] for matrix in found})
        if len(counts) > 1:
            raise DataError(f"the data matrices differ in their cases: {counts}")
        cases = counts[0] if counts else 0
        for unit, matrix in zip(self._units, found, strict=True):
            self._fill_unit(unit, matrix, self.plan.sizes(cases))
        return cases

    def _fill_unit(self, unit, matrix, sizes):
        """Its rows, and the cases of its microbatch."""
        start, view = unit.layer.start, self.plan.outputs[unit.name]
        first, count = unit.replica * sizes[0], sizes[unit.replica]
        if count:
            part = matrix[start : start + unit.shape.size, first : first + count]
            self.engine.fill(view, count, part.reshape(*view.dims, count))

    def _matrix(self, unit, matrices):
        matrix = matrices.get(unit.layer.data_idx)
        needed = unit.layer.start + unit.shape.size
        if matrix is None:
            raise DataError(
                f"{unit.name} reads data matrix {unit.layer.data_idx}, which is not given"
            )
        if matrix.ndim != 2 or matrix.shape[0] < needed:
            raise DataError(
                f"{unit.name} needs {needed} values per case in data matrix {unit.layer.data_idx}, "
                f"found an array of shape {matrix.shape}"
            )
        if not 1 <= matrix.shape[1] <= self.plan.minibatch:
            raise DataError(
                f"a minibatch may have 1 to {self.plan.minibatch} cases here, found "
                f"{matrix.shape[1]}"
            )
        return matrix
