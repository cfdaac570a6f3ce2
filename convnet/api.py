"""The Python interface: a network from files or text, fed with NumPy arrays.

Arrays are in the order a Python user expects: (cases, channels, rows, columns) for images and
activities, (filters, channels, rows, columns) for weights.
"""

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.graph.checkpoint_facts import facts_to_store, stored_facts
from convnet.graph.infer_inputs import infer_dims
from convnet.initial import InitOptions, fill, resolve
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.network.cost_report import reported
from convnet.network.network import Network

NO_FUNCTIONS = InitOptions()


class Net:
    """A network in memory.  Made by `from_files`, `from_text` or `load`.

    minibatch: the largest number of cases of one call.  dtype: float32, or float64.  tree: a
    convnet.layers.Tree of the labels, which treefc layers need.  init: the functions that initWFunc
    and its like may call, as InitOptions(modules=["initw.py"]); None: the keys have no effect.
    """

    def __init__(self, specs: Specs, *, minibatch=128, seed=0, dtype="float32", dialect=None,
                 data_dims=None, classes=None, tree=None, train_all=False,
                 init: InitOptions | None = NO_FUNCTIONS):  # fmt: skip
        dims, _ = infer_dims(specs.layers, data_dims, classes)
        self.specs, self.seed = specs, seed
        self.graph = build(
            specs.layers,
            specs.params,
            specs.problems,
            dialect=dialect,
            data_dims=dims,
            classes=classes,
            tree=tree,
        )
        engine = Engine(np.dtype(dtype))
        calls = resolve(self.graph, init)[0] if init else []
        self.network = Network(self.graph, minibatch, engine, seed=seed, train_all=train_all)
        fill(self.network, calls, init or NO_FUNCTIONS)

    @classmethod
    def from_files(cls, layers, params, **options) -> "Net":
        """A network from two spec files.  SpecError lists all their mistakes."""
        return cls(Specs.read(layers, params), **options)

    @classmethod
    def from_text(cls, layers: str, params: str, **options) -> "Net":
        """A network from the texts of the two files."""
        specs = Specs.parse(
            Source.from_text(layers, "<layers>"), Source.from_text(params, "<params>")
        )
        return cls(specs, **options)

    @classmethod
    def load(cls, path, **options) -> "Net":
        """A network from a checkpoint, with its weights and velocities."""
        from convnet import checkpoint

        saved = checkpoint.load(checkpoint.newest(path))
        known = {"dialect": saved.dialect, "seed": saved.seed, "init": None}
        known |= stored_facts(saved.options)
        net = cls(Specs.parse(saved.layers, saved.params), **{**known, **options})
        checkpoint.restore(net.network, saved)
        return net

    @property
    def layers(self) -> list[str]:
        """The layers' names, in file order."""
        return [node.name for node in self.graph.declared()]

    # -- running -----------------------------------------------------------------------------------

    def forward(self, *matrices) -> dict[str, dict[str, float]]:
        """Run a minibatch as in a test: images, labels, ... by dataIdx.  Returns the costs.

        images: (cases, channels, rows, columns) or (cases, values).  labels: (cases,).
        """
        self._run("test", matrices)
        return self.costs()

    def backward(self, *matrices) -> dict[str, dict[str, float]]:
        """As `forward`, with the gradients of all trained parameters."""
        self._run("gradients", matrices)
        return self.costs()

    def train(self, *matrices, progress: float = 0.0) -> dict[str, dict[str, float]]:
        """One training step.  progress: 0 to 1, where the schedules of the rates are."""
        self._load(matrices)
        rng = np.random.default_rng([self.seed, self.network.step])
        self.network.set_rates(progress, rng.standard_normal)
        self.network.run("train")
        return self.costs()

    def costs(self) -> dict[str, dict[str, float]]:
        """The numbers of each cost layer for the last minibatch, per case."""
        sums = self.network.costs()
        layers = {name: self.graph.node(name).layer for name in sums}
        return reported(layers, sums, self.network.cases)

    def _run(self, program, matrices):
        self._load(matrices)
        self.network.run(program)

    def _load(self, matrices):
        flat = {i: np.asarray(m).reshape(len(m), -1).T for i, m in enumerate(matrices)}
        missing = {n.layer.data_idx for n in self.graph.nodes if n.is_data} - set(flat)
        cases = len(matrices[0]) if matrices else 0
        for index in missing:  # labels that are not given: the costs mean nothing then
            flat[index] = np.zeros((self.graph.data_dims[index], cases))
        self.network.load(flat)

    # -- reading and writing -----------------------------------------------------------------------

    def activities(self, layer: str) -> np.ndarray:
        """A layer's outputs behind its neuron: (cases, channels, rows, columns), or (cases, n)."""
        shape = self._node(layer).shape
        values = np.moveaxis(self.network.output(layer), -1, 0)
        return values if shape.height * shape.width > 1 else values.reshape(len(values), -1)

    def weights(self, layer: str, input: int = 0) -> np.ndarray:
        """A layer's weights for one of its inputs.

        conv: (filters, channels, rows, columns).  local: (places, filters, channels, rows,
        columns).  fc: (outputs, inputs).
        """
        return self._outward(self.network.read(self._parameter(layer, input)))

    def set_weights(self, layer: str, values, input: int = 0) -> None:
        """Set them; `values` in the shape that `weights` gives."""
        parameter = self._parameter(layer, input)
        self._write(parameter, self._inward(np.asarray(values)), values)

    def biases(self, layer: str) -> np.ndarray:
        return self.network.read(self._parameter(layer, None))

    def set_biases(self, layer: str, values) -> None:
        self._write(self._parameter(layer, None), np.asarray(values), values)

    def weights_gradient(self, layer: str, input: int = 0) -> np.ndarray:
        """dE/dweights, summed over the cases of the last `backward` or `train`."""
        return self._outward(self._gradient(self._parameter(layer, input)))

    def biases_gradient(self, layer: str) -> np.ndarray:
        return self._gradient(self._parameter(layer, None))

    def save(self, path) -> None:
        """Write a checkpoint that `Net.load`, `convnet test` and the others read."""
        from convnet import checkpoint

        options = {**facts_to_store(self.graph), "minibatch": self.network.minibatch}
        checkpoint.save(path, checkpoint.Checkpoint.of(self.network, options=options))

    def _gradient(self, parameter):
        if not parameter.learns:
            raise ConvnetError(
                f"{parameter.name} is not trained (its rate is 0), so it has no gradient; "
                "train_all=True computes all"
            )
        return self.network.read_gradient(parameter)

    def _node(self, layer):
        if layer not in self.layers:
            raise ConvnetError(f"there is no layer '{layer}'; there are {', '.join(self.layers)}")
        return self.graph.node(layer)

    def _parameter(self, layer, index):
        node = self._node(layer)
        if not node.owners or (index is not None and not 0 <= index < len(node.owners)):
            counted = f"weights for {len(node.owners)} inputs" if node.owners else "no weights"
            raise ConvnetError(f"{layer} has {counted}; input {index} was asked for")
        if index is None:
            return self.network.parameters[f"{layer}.biases"]
        owner, at = node.owners[index]
        return self.network.parameters[f"{owner.name}.weights.{at}"]

    def _write(self, parameter, values, given):
        if values.shape != parameter.spec.shape:
            wanted = self._outward(np.empty(parameter.spec.shape)).shape
            raise ConvnetError(
                f"{parameter.name} has shape {wanted}, found an array of {np.shape(given)}"
            )
        self.network.write(parameter, values)

    @staticmethod
    def _outward(values):
        """Stored order (..., channels, rows, columns, filters) to filters first."""
        return np.moveaxis(values, -1, -4) if values.ndim >= 4 else values

    @staticmethod
    def _inward(values):
        return np.moveaxis(values, -4, -1) if values.ndim >= 4 else values
