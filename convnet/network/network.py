"""A network with memory: load a minibatch, run a program, read what came out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from convnet.errors import DataError
from convnet.graph.build import Graph, Node
from convnet.layers import Shape
from convnet.layers.cost import Cost
from convnet.network.engine import Engine, Program, Times
from convnet.network.initialize import initial_table, initial_values
from convnet.network.loading import Loader
from convnet.network.memory import View
from convnet.network.partitions import ONE_EACH, Partitioning
from convnet.network.plan import MicrobatchView, Parameter, Plan, PlannedTable
from convnet.network.planner import make_plan
from convnet.network.prune_buffers import leave_out
from convnet.network.rates import Rates, no_noise
from convnet.network.trace import Span


@dataclass(frozen=True)
class _Loaded:
    """A minibatch in the engine's memory.  matrices: the object that it was loaded from."""

    matrices: dict[int, np.ndarray]
    cases: int


class Network:
    """A planned graph on an engine.

    minibatch: the largest number of cases.  seed: of the initial weights and of dropout.
    train_all: compute the gradients of all parameters, also of those with rate 0.
    input_gradients: compute those of the data too (`data_gradient`).
    only_tests: plan and allocate what the program `test` needs.
    initialize: draw initial weights and random tables; otherwise they hold nothing until they are
    written, as from a checkpoint.
    partitioning: how replicas share the updates of their parameters.
    cases_needed: of the number of cases in a minibatch, those whose pixels (data matrix 0) are read
    in this process, as (first, end): all, unless other processes have devices of the network.
    """

    def __init__(
        self,
        graph: Graph,
        minibatch: int,
        engine: Engine,
        *,
        seed: int = 0,
        train_all: bool = False,
        input_gradients: bool = False,
        update_every: int = 1,
        only_tests: bool = False,
        initialize: bool = True,
        partitioning: Partitioning = ONE_EACH,
    ):
        self.graph, self.minibatch, self.engine, self.seed = graph, minibatch, engine, seed
        self.plan: Plan = make_plan(
            graph,
            minibatch,
            train_all=train_all,
            input_gradients=input_gradients,
            update_every=update_every,
            only_tests=only_tests,
            partitioning=partitioning,
        )
        leave_out(self.plan, engine.unused)
        engine.expect(self.plan.programs)
        engine.allocate(self.plan.buffers, self.plan.capacity)
        self.parameters = {parameter.name: parameter for parameter in self.plan.parameters}
        self.step = 0  # training steps done: the counter of the random numbers
        self.cases, self.sizes = minibatch, self.plan.sizes(minibatch)
        self._programs: dict[tuple[str, int], Program] = {}
        self._ahead: _Loaded | None = None
        self._times: Times | None = None  # collects when each step runs
        self._loader = Loader(self.plan, engine)
        self._rates = Rates(self.plan, engine)
        self.cases_needed = self._loader.cases_needed(0)
        self.tables = {table.name: table for table in self.plan.tables}
        self._initialize(initialize)

    def _initialize(self, random: bool) -> None:
        """Write the initial weights and tables; drawing those of AlexNet takes two seconds."""
        for parameter in self.plan.parameters:
            if random and self._is_here(parameter):
                self.write(parameter, initial_values(parameter, self.seed))
        for table in self.plan.tables:
            if random or table.spec.values is not None:
                self.write_table(table, initial_table(table, self.seed))

    def _is_here(self, parameter: Parameter) -> bool:
        """Whether this process has a copy of a parameter."""
        views = parameter.value, *(replica.value for replica in parameter.replicas)
        return any(self.engine.has(view.buffer) for view in views)

    # -- running ---------------------------------------------------------------------------------

    def load(self, matrices: dict[int, np.ndarray]) -> None:
        """Set the data of the next run: (values, cases) arrays by dataIdx.

        DataError if they do not fit; what was loaded before stays.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is None or ahead.matrices is not matrices:
            ahead = self._loaded(matrices)
        self.engine.swap()
        self.cases, self.sizes = ahead.cases, self.plan.sizes(ahead.cases)

    def load_ahead(self, matrices: dict[int, np.ndarray] | None) -> None:
        """Start to load the next minibatch while the current run goes on.

        It changes nothing that can be read.  It makes the following `load` of the same object
        shorter; the object's values must not change in between.  With None, or on an engine without
        memory for a second minibatch, it does nothing.  `load` refuses matrices that do not fit.
        """
        self._ahead = None
        if matrices is not None and self.engine.loads_ahead:
            with suppress(DataError):
                self._ahead = self._loaded(matrices)

    def _loaded(self, matrices: dict[int, np.ndarray]) -> "_Loaded":
        """Bring them to the engine's memory for the minibatch after this one."""
        cases = self._loader.fill(matrices) or self.cases
        self._start(self.program("load", cases))
        return _Loaded(matrices, cases)

    def run(self, program: str) -> None:
        """Run `train`, `gradients` or `test` on the loaded data.

        An engine may go on working when this returns; reading a value waits for it.
        """
        if self.plan.random:
            self._set_random(program)
        variant = self.step % self.plan.variants if program == "train" else 0
        self._start(self.program(f"{program}.{variant}" if variant else program))
        if program == "train":
            self._begin_empty_sums(variant)
            self.step += 1

    def _begin_empty_sums(self, variant: int) -> None:
        """Begin sums over several minibatches with zeros where a short minibatch has no cases."""
        for view, microbatch in self.plan.begun_sums[variant].items():
            if not self.sizes[microbatch]:
                self.engine.write(view, self.cases, 0)

    def program(self, name: str, cases: int | None = None) -> Program:
        """The bound program, for minibatches of `cases`, or of as many as are loaded."""
        key = name, cases or self.cases
        if key not in self._programs:
            sizes = self.plan.sizes(key[1])
            self._programs[key] = self.engine.program(self.plan.programs[name], sizes)
        return self._programs[key]

    def _start(self, bound: Program) -> None:
        if self._times is None:
            bound.run()
        else:
            bound.timed(self._times)

    @contextmanager
    def traced(self) -> Iterator[list[Span]]:
        """Record when the steps started within it run; the list is filled at the end."""
        spans: list[Span] = []
        self._times = times = self.engine.times()
        try:
            yield spans
            spans += times.spans()
        finally:
            self._times = None

    def _set_random(self, program: str) -> None:
        low, high = self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF
        in_training = 0 if program == "train" else 1 << 31
        for name, view in self.plan.random.items():
            stream = crc32(name.encode())
            words = [low, high, stream, self.step & 0xFFFFFFFF, self.step >> 32 | in_training, 0]
            self.engine.write(view, self.cases, np.array(words, np.uint32))

    def set_rates(
        self,
        progress: float,
        normal: Callable[[], float] = no_noise,
        divided_by: float = 1,
    ) -> None:
        """Set the learning rates for the next training step on the loaded data.

        They are those of the schedules at `progress`, divided by `divided_by`.  normal: samples
        N(0,1) for schedules with noise.
        """
        self._rates.set(progress, self.cases, normal, divided_by)

    # -- reading and writing -----------------------------------------------------------------------

    def costs(self) -> dict[str, np.ndarray]:
        """The numbers of each cost layer, sums over the cases of the last run."""
        return {name: self._cost(parts) for name, parts in self.plan.microbatch_costs.items()}

    def _cost(self, parts: list[MicrobatchView]) -> np.ndarray:
        """The sum over the microbatches that have cases, as the first one always has."""
        full = [part.view for part in parts if self.sizes[part.microbatch]]
        found = [self.engine.read(view, self.cases) for view in full]
        return sum(found[1:], found[0])

    def objective(self) -> float:
        """Sum over the cost layers of coeff times the first number."""
        costs = self.costs()
        layers = {name: self.graph.node(name).layer for name in costs}
        return sum(
            layer.coeff * float(costs[name][0])
            for name, layer in layers.items()
            if isinstance(layer, Cost)
        )

    def read(self, parameter: Parameter) -> np.ndarray:
        return self.engine.read(parameter.value, self.cases)

    def write(self, parameter: Parameter, values: np.ndarray) -> None:
        for view in (parameter.value, *(replica.value for replica in parameter.replicas)):
            self.engine.write(view, self.cases, values)

    def read_state(self, parameter: Parameter, name: str) -> np.ndarray:
        """What updates maintain, one of `parameter.state_names`, in the parameter's shape."""
        parts = [partition.state[name] for partition in parameter.partitions]
        return self._joined(parameter, parts)

    def write_state(self, parameter: Parameter, name: str, values: np.ndarray | float) -> None:
        """Set what updates maintain, each part where it is; a number sets all values."""
        whole = np.broadcast_to(np.asarray(values, self.engine.real), parameter.value.dims)
        flat = whole.reshape(-1)
        for partition in parameter.partitions:
            view = partition.state[name]
            part = flat[partition.start : partition.start + partition.size]
            self.engine.write(view, self.cases, part.reshape(view.dims))

    def _joined(self, parameter: Parameter, parts: list[View]) -> np.ndarray:
        """The values of a parameter's partitions, in its shape."""
        found = [self.engine.read(part, self.cases).reshape(-1) for part in parts]
        joined = found[0] if len(found) == 1 else np.concatenate(found)
        return joined.reshape(parameter.value.dims)

    def write_table(self, table: PlannedTable, values: np.ndarray) -> None:
        for view in (table.value, *table.replicas):
            self.engine.write(view, self.cases, values)

    def unfinished(self, step: int) -> dict[str, View]:
        """Gradients that wait for further minibatches after so many steps, by name."""
        passed = step * self.plan.rounds.passes
        waiting = [p for p in self.plan.parameters if p.learns and passed % p.every]
        views = [p.gradient for p in waiting]
        views += [share.gradient for p in waiting for share in p.shares]
        views += [replica.gradient for p in waiting for replica in p.replicas]
        return {view.buffer.name: view for view in views if view is not None}

    def read_gradient(self, parameter: Parameter) -> np.ndarray:
        """dE/dw summed over the cases of the last run of `gradients`, or of updates in `train`.

        ValueError if the parameter is fixed.
        """
        parameter.trained_gradient()
        return self._joined(parameter, [p.gradient for p in parameter.partitions])

    def data_gradient(self, name: str) -> np.ndarray:
        """dE/dx of a data layer, shaped as its output, of the last run of `gradients` or `train`.

        Needs `input_gradients`.  The sum over the devices that read the layer.
        """
        node = self.graph.node(name)
        total = np.zeros((*node.shape, self.cases), self.engine.real)
        for copy in self.plan.units:
            view = self.plan.data_gradients.get(copy.name)
            if copy.is_copy and copy.node is node and view is not None:
                values = self._read_microbatch(view, copy.replica, node.shape)
                total[..., self._columns(copy.replica)] += values
        return total

    def output(self, name: str) -> np.ndarray:
        """A layer's activities behind its neuron, (channels, rows, columns, cases)."""
        return self.values(self.graph.end_of(self.graph.node(name)))

    def values(self, node: Node) -> np.ndarray:
        """A node's output, (channels, rows, columns, cases), the microbatches put together.

        DataError for a layer that writes them one after the other to the same memory: only the last
        one's values are left.
        """
        parts = self.plan.microbatch_outputs[node.name]
        if len(parts) < self.plan.rounds.microbatches:
            raise DataError(
                f"{node.name} works on the parts of a minibatch in turn, in the same memory; its "
                "values for the whole minibatch are not kept"
            )
        found = np.empty((*node.shape, self.cases), self.engine.real)
        for part in parts:
            if self.sizes[part.microbatch]:
                columns = self._columns(part.microbatch)
                found[..., columns] = self._read_microbatch(part.view, part.microbatch, node.shape)
        return found

    def _columns(self, microbatch: int) -> slice:
        first = microbatch * self.sizes[0]
        return slice(first, first + self.sizes[microbatch])

    def _read_microbatch(self, view: View, microbatch: int, shape: Shape) -> np.ndarray:
        return self.engine.read(view.shaped(*shape), self.sizes[microbatch])

    def first_not_finite(self) -> str | None:
        """The first layer whose activities hold a value that is not finite."""
        for node in self.graph.nodes:
            for part in self.plan.microbatch_outputs.get(node.name, ()):
                cases = self.sizes[part.microbatch]
                if cases and not np.isfinite(self.engine.read(part.view, cases)).all():
                    return (node.declared_in or node).name
        return None
