"""The Python interface: a network from files or text, fed with NumPy arrays.

Images and activities are (cases, channels, rows, columns), weights of convolutions (filters,
channels, rows, columns).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Literal, Unpack

import numpy as np
import numpy.typing as npt

from convnet.api.fitting import Fitting
from convnet.api.looking import Looking
from convnet.api.options import NetOptions, SetValue
from convnet.api.parameters import Array, ParameterAccess
from convnet.api.predicting import Predicting
from convnet.api.running import RUNS
from convnet.api.setting import with_keys_set
from convnet.api.shown import Shown
from convnet.data.input import network_input
from convnet.engines import DeviceOptions, make_engine
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.graph.checkpoint_facts import facts_to_store, stored_facts
from convnet.graph.guess_sizes import infer_dims
from convnet.initial import InitOptions, fill, resolve
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.layers import Tree
from convnet.network.cost_report import reported
from convnet.network.given_options import check_options
from convnet.network.network import Network
from convnet.train.cost_average import cost_layers

NO_FUNCTIONS = InitOptions()
Costs = dict[str, dict[str, float]]


class Net(ParameterAccess, Predicting, Fitting, Looking, Shown):
    """A network in memory, made by `from_files`, `from_text` or `load`.

    Attributes:
        input: How the network's input is made of an image, an `InputRecord` of
            `convnet.stored.input_record`; None unless it was loaded from a checkpoint of
            `convnet train`, or trained by `fit`.
        class_names: The classes that it was trained on, in the order of the labels; () likewise.

    Parameters:
        specs: The two parsed files.
        minibatch: Largest number of cases of one call.
        seed: Seed of the initial weights and of dropout.
        dtype: `"float32"`, or `"float64"` on the CPU.
        dialect: `"cc1"`, `"chm"`, `"cc2"` or `"convnet"` (docs/dialect.md); by default the one
            that the files' keys show.
        data_dims: Values per case of each data matrix by its `dataIdx`, such as `{0: 3072, 1: 1}`,
            for original files, which do not declare the size of their images.
        classes: Number of classes, where the files do not declare it.
        tree: Tree of the labels, which `treefc` layers need.
        training: Whether the network can be trained.  False plans what `forward` and `predict`
            need: no memory for gradients and velocities, and filters are prepared once.
        train_all: Compute the gradients of all parameters, also of those with learning rate 0.
        init: Functions that `initWFunc` and similar keys may call, such as
            `InitOptions(modules=["initw.py"])`; None ignores these keys.
        device: `"cpu"`, or `"cuda"` for GPUs.
        gpu: Physical GPUs for the network's devices 0, 1, ...; by default GPUs 0, 1, ...
        precision: On GPUs, how the products of convolutions and fully connected layers round their
            factors: `"fp32"`, `"tf32"` or `"bf16"`.  Sums are in float32.
        set: Keys of the two files to set, as by `--set`, such as `{"conv1.epsW": 0.02}`; a list has
            a value for each input.

    Raises:
        SpecError: If the files have errors; it lists all of them.
        DeviceError: If a device is missing, has too little memory, or cannot compute as asked.
        ConvnetError: If an option has an impossible value.

    Example:
        ```python
        net = Net.from_files("layers/digits.cfg", "params/digits.params", minibatch=64)
        costs = net.train(images, labels)  # images (64, 1, 8, 8), labels (64,)
        filters = net.weights("conv1")
        ```
    """

    _initialize = True  # whether to draw initial weights, which those of a checkpoint replace

    def __init__(
        self,
        specs: Specs,
        *,
        minibatch: int = 128,
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
        dialect: str | None = None,
        data_dims: dict[int, int] | None = None,
        classes: int | None = None,
        tree: Tree | None = None,
        training: bool = True,
        train_all: bool = False,
        init: InitOptions | None = NO_FUNCTIONS,
        device: Literal["cpu", "cuda"] = "cpu",
        gpu: Sequence[int] | None = None,
        precision: Literal["fp32", "tf32", "bf16"] = "fp32",
        set: Mapping[str, SetValue] | None = None,
    ) -> None:
        check_options(
            minibatch=minibatch,
            seed=seed,
            dtype=dtype,
            dialect=dialect,
            data_dims=data_dims,
            classes=classes,
        )
        minibatch, seed = operator.index(minibatch), operator.index(seed)  # NumPy's too
        specs = with_keys_set(specs, set)
        dims, _ = infer_dims(specs.layers, data_dims, classes)
        self.specs, self.seed = specs, seed
        self.input, self.class_names = None, ()
        self._forget_runs()
        self.graph = build(
            specs.layers,
            specs.params,
            specs.problems,
            dialect=dialect,
            data_dims=dims,
            classes=classes,
            tree=tree,
        )
        where = DeviceOptions(device, None if gpu is None else tuple(gpu), precision=precision)
        engine = make_engine(where, self.graph, dtype).engine
        calls = resolve(self.graph, init)[0] if init else []
        self.network = Network(
            self.graph,
            minibatch,
            engine,
            seed=seed,
            train_all=train_all,
            only_tests=not training,
            initialize=self._initialize,
        )
        fill(self.network, calls, init or NO_FUNCTIONS)

    @classmethod
    def from_files(
        cls,
        layers: str | Path,
        params: str | Path,
        **options: Unpack[NetOptions],
    ) -> Net:
        """Build a network from its two files.

        Parameters:
            layers: Path of the layer file.
            params: Path of the parameter file.
            options: Keyword arguments of `Net`.

        Raises:
            SpecError: If the files have errors; it lists all of them.
        """
        return cls(Specs.read(layers, params), **options)

    @classmethod
    def from_text(cls, layers: str, params: str, **options: Unpack[NetOptions]) -> Net:
        """Build a network from the texts of the two files.

        Parameters:
            layers: Text of the layer file.
            params: Text of the parameter file.
            options: Keyword arguments of `Net`.

        Raises:
            SpecError: If the texts have errors; it lists all of them.
        """
        specs = Specs.parse(
            Source.from_text(layers, "<layers>"), Source.from_text(params, "<params>")
        )
        return cls(specs, **options)

    @classmethod
    def load(cls, path: str | Path, **options: Unpack[NetOptions]) -> Net:
        """Load a network from a checkpoint, with its weights and velocities.

        Parameters:
            path: A checkpoint, or a folder: its newest checkpoint is loaded.  Or the name of a
                trained net that comes with convnet, such as `"cifar10"`.
            options: Keyword arguments of `Net`.  By default `seed`, `dialect`, `data_dims` and
                `tree` are those of the checkpoint; the other defaults are those of `Net`.

        Raises:
            CheckpointError: If there is no checkpoint, or it is damaged.
        """
        from convnet import checkpoint, nets

        for_test = not options.get("training", True)
        found = checkpoint.load_newest(nets.trained(Path(path)) or path, for_test=for_test)
        saved = found.checkpoint
        known: NetOptions = {"dialect": saved.dialect, "seed": saved.seed, "init": None}
        stored = stored_facts(saved.options, saved.path)
        known |= {"data_dims": stored["data_dims"], "tree": stored["tree"]}
        known.update(options)
        net = cls.__new__(cls)
        net._initialize = False
        cls.__init__(net, Specs.parse(saved.layers, saved.params), **known)
        checkpoint.restore(net.network, saved)
        net.input, net.class_names = saved.input, saved.class_names
        return net

    # -- running -----------------------------------------------------------------------------------

    def forward(self, *matrices: npt.ArrayLike) -> Costs:
        """Run the network on a minibatch as in a test, without dropout, and return the costs.

        Parameters:
            matrices: Images, labels and further data in the order of `dataIdx`.  Images are
                (cases, channels, rows, columns) or (cases, values), labels (cases,).  Labels may
                be left out; then the costs are meaningless.

        Returns:
            For each cost layer its numbers by name, as averages over the cases, such as
            `{"logprob": {"cost": 2.3, "top-1 error": 0.9}}`.

        Raises:
            DataError: If a matrix does not fit the network in number, shape or values: it has too
                many cases, holds NaN, or labels that name no class.
        """
        self._run("forward", matrices, needs_all=False)
        return self.costs()

    def backward(self, *matrices: npt.ArrayLike) -> Costs:
        """Run `forward`, then compute the gradients of all trained parameters.

        Parameters and return value are those of `forward`, but labels are needed.
        `weights_gradient` and `biases_gradient` return the gradients.
        """
        self._refuse_unless_trainable()
        self._run("backward", matrices)
        return self.costs()

    def train(self, *matrices: npt.ArrayLike, progress: float = 0.0) -> Costs:
        """Train on one minibatch: forward, backward and update.

        Parameters:
            matrices: As for `forward`; labels are needed.
            progress: Share of the training that is done, from 0 to 1, which the schedules of the
                learning rates depend on.

        Returns:
            The costs before the update, as from `forward`.
        """
        self._refuse_unless_trainable()
        if not isinstance(progress, Real) or not 0 <= progress <= 1:
            raise ConvnetError(f"progress is a share of the training, 0 to 1, found {progress}")
        self._load(matrices)
        rng = np.random.default_rng([self.seed, self.network.step])
        self.network.set_rates(progress, rng.standard_normal)
        self._start("train")
        return self.costs()

    def costs(self) -> Costs:
        """Return the numbers of each cost layer for the last minibatch, as `forward` does."""
        self._refuse_unless_run("costs", RUNS)
        layers = cost_layers(self.network)
        return reported(layers, self.network.costs(), self.network.cases)

    def preprocess(self, images: npt.ArrayLike) -> Array:
        """Return images as the network saw them in training: cropped, the mean subtracted.

        Parameters:
            images: (cases, channels, rows, columns), values 0 to 255 as in the data set.  They are
                of the data set's size, of which the central crop is taken, or of the crop's.

        Returns:
            float32 (cases, channels, rows, columns), for `forward`.

        Raises:
            ConvnetError: If the network was not loaded from a checkpoint that records its input
                (`input` is None), or if the images do not fit.
        """
        if self.input is None:
            raise ConvnetError(
                "the network has no record of its input: `Net.fit`, `convnet train` and `Net.load` "
                "of its checkpoints give it one"
            )
        return network_input(self.input, np.asarray(images))

    # -- reading and writing -----------------------------------------------------------------------

    def activities(self, layer: str) -> Array:
        """Return the outputs of a layer for the last minibatch, after its activation function.

        Returns:
            (cases, channels, rows, columns), or (cases, values) for outputs of one pixel.

        Raises:
            ConvnetError: If there is no such layer.
        """
        shape = self._node(layer).shape
        self._refuse_unless_run("activities", RUNS)
        values = np.moveaxis(self.network.output(layer), -1, 0)
        return values if shape.height * shape.width > 1 else values.reshape(len(values), -1)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, which `Net.load` and the commands read.

        It has no velocities if the network was made with `training=False`.

        Raises:
            ConvnetError: If the file cannot be written.
        """
        from convnet import checkpoint

        options = {**facts_to_store(self.graph), "minibatch": self.network.minibatch}
        found = checkpoint.Checkpoint.of(
            self.network, options=options, input=self.input, class_names=self.class_names
        )
        checkpoint.save(path, found)
