"""A network with memory: load a minibatch, run a program, read what came out."""

from zlib import crc32

import numpy as np

from convnet.errors import DataError
from convnet.graph.build import Graph
from convnet.network import rates
from convnet.network.plan import Parameter, Plan, make_plan
from convnet.network.start import initial_table, initial_values


class Network:
    """A planned graph on an engine.

    minibatch: the largest number of cases.  seed: of the initial weights and of dropout.
    train_all: compute the gradients of all parameters, also of those with rate 0.
    input_gradients: compute those of the data too (`data_gradient`).
    """

    def __init__(
        self,
        graph: Graph,
        minibatch: int,
        engine,
        *,
        seed: int = 0,
        train_all: bool = False,
        input_gradients: bool = False,
    ):
        self.graph, self.minibatch, self.engine, self.seed = graph, minibatch, engine, seed
        self.plan: Plan = make_plan(
            graph, minibatch, train_all=train_all, input_gradients=input_gradients
        )
        engine.allocate(self.plan.buffers, minibatch)
        self.parameters = {parameter.name: parameter for parameter in self.plan.parameters}
        self.step = 0  # training steps done: the counter of the random numbers
        self.cases = minibatch
        self._programs = {}
        self._data_units = [unit for unit in self.plan.units if unit.is_data]
        for parameter in self.plan.parameters:
            self.write(parameter, initial_values(parameter, seed))
        self.tables = {table.name: table for table in self.plan.tables}
        for table in self.plan.tables:
            engine.write(table.value, minibatch, initial_table(table, seed))

    # -- running ---------------------------------------------------------------------------------

    def load(self, matrices: dict[int, np.ndarray]) -> None:
        """Set the data of the next run: (values, cases) arrays by dataIdx."""
        found = [self._matrix(unit, matrices) for unit in self._data_units]
        counts = sorted({matrix.shape[1] for matrix in found})
        if len(counts) > 1:
            raise DataError(f"the data matrices differ in their cases: {counts}")
        self.cases = counts[0] if counts else self.cases
        for unit, matrix in zip(self._data_units, found, strict=True):
            start = unit.layer.start
            rows = matrix[start : start + unit.shape.size]
            self.engine.write(self.plan.outputs[unit.name], self.cases, self._shaped(unit, rows))

    def _shaped(self, unit, rows):
        return rows.reshape(*self.plan.outputs[unit.name].dims, rows.shape[1])

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
        if not 1 <= matrix.shape[1] <= self.minibatch:
            raise DataError(
                f"a minibatch may have 1 to {self.minibatch} cases here, found {matrix.shape[1]}"
            )
        return matrix

    def run(self, program: str) -> None:
        """Run `train`, `gradients` or `test` on the loaded data."""
        if self.plan.random:
            self._set_random(program)
        self.program(program).run()
        self.engine.synchronize()
        if program == "train":
            self.step += 1

    def program(self, name: str):
        key = name, self.cases
        if key not in self._programs:
            self._programs[key] = self.engine.program(self.plan.programs[name], self.cases)
        return self._programs[key]

    def _set_random(self, program):
        low, high = self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF
        in_training = 0 if program == "train" else 1 << 31
        for name, view in self.plan.random.items():
            stream = crc32(name.encode())
            words = [low, high, stream, self.step & 0xFFFFFFFF, self.step >> 32 | in_training, 0]
            self.engine.write(view, self.cases, np.array(words, np.uint32))

    def set_rates(self, progress: float, normal=None) -> None:
        """Set the learning rates for the next training step on the loaded data."""
        nominal = self.graph.dialect.divides_by_nominal_minibatch
        divisor = self.minibatch if nominal else self.cases
        for parameter in self.plan.parameters:
            if parameter.learns:
                values = rates.hyper_values(parameter, progress, divisor, normal)
                self.engine.write(parameter.hyper, self.cases, values)
                for _, factor, unit, index in parameter.shares:
                    share = rates.share_factor(unit, index, parameter, progress)
                    self.engine.write(factor, self.cases, share)

    # -- reading and writing -----------------------------------------------------------------------

    def costs(self) -> dict[str, np.ndarray]:
        """The numbers of each cost layer, sums over the cases of the last run."""
        return {name: self.engine.read(view, self.cases) for name, view in self.plan.costs.items()}

    def objective(self) -> float:
        """Sum over the cost layers of coeff times the first number."""
        costs = self.costs()
        return sum(self.plan.unit(name).layer.coeff * float(v[0]) for name, v in costs.items())

    def read(self, parameter: Parameter) -> np.ndarray:
        return self.engine.read(parameter.value, self.cases)

    def write(self, parameter: Parameter, values) -> None:
        self.engine.write(parameter.value, self.cases, values)

    def read_gradient(self, parameter: Parameter) -> np.ndarray:
        """dE/dw summed over the cases of the last run of `gradients` or `train`."""
        return self.engine.read(parameter.gradient, self.cases)

    def data_gradient(self, name: str) -> np.ndarray:
        """dE/dx of a data layer, shaped as its output, of the last run of `gradients` or `train`.

        Needs `input_gradients`.  The sum over the devices that read the layer.
        """
        node = self.graph.node(name)
        copies = [unit for unit in self.plan.units if unit.is_copy and unit.node is node]
        views = [self.plan.output_gradients.get(copy.name) for copy in copies]
        parts = [self.engine.read(view, self.cases) for view in views if view is not None]
        total = np.sum(parts, axis=0) if parts else np.zeros((node.shape.size, self.cases))
        return total.reshape(*node.shape, self.cases)

    def output(self, name: str) -> np.ndarray:
        """A layer's activities behind its neuron, (channels, rows, columns, cases)."""
        node = self.graph.end_of(self.graph.node(name))
        view = self.plan.outputs[node.name].shaped(*node.shape)
        return self.engine.read(view, self.cases)

    def first_not_finite(self) -> str | None:
        """The first layer whose activities hold a value that is not finite."""
        for unit in self.plan.units:
            view = self.plan.outputs.get(unit.name)
            if view is not None and not np.isfinite(self.engine.array(view, self.cases)).all():
                return (unit.node.folded_into or unit.node).name
        return None
