"""The costs of training steps beside PyTorch's: `python -m benchmarks.torch_costs`.

AlexNet on two devices and the module that `convnet export --format torch` writes of it train on
the same minibatches from the same weights, PyTorch with torch.optim.SGD at the same rates.  Dropout
multiplies by its constant in both, since the masks would differ.  In double precision the costs are
the same up to rounding; in single precision the roundings grow from step to step, so a second run
of PyTorch, in double precision on the same weights, shows how far apart two roundings get.
"""

import importlib.util
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numba
import numpy as np

from benchmarks.graphs import ROOT
from convnet.backends.cpu.engine import Engine
from convnet.data import open_dataset
from convnet.data.pipeline.feed import Feed, FeedOptions
from convnet.export.formats import export
from convnet.export.model import Model
from convnet.graph.build import build
from convnet.graph.set_keys import set_keys
from convnet.language.specs import Specs
from convnet.network.network import Network

DATA = "shapes:side=256,classes=40,train=2000,test=40"
SEED = 5
_DEVIATIONS = {"conv1": 0.004, "conv2": 0.002}
_RATE = "0.001"  # a tenth of the parameter file's: with these weights the net learns at once
_WIDTHS = ("filters", "channels", "outputs")


@dataclass(frozen=True)
class Costs:
    """The mean costs of training steps.

    real: the type of all values.  divided: what all widths were divided by.  cases: of a minibatch.
    ours, torch: by step.  torch_double: of PyTorch in double precision, if `real` is single.
    seconds: of a step, ours and PyTorch's, the medians without the first.
    """

    real: str
    divided: int
    cases: int
    ours: list[float]
    torch: list[float]
    torch_double: list[float]
    seconds: tuple[float, float]

    def lines(self) -> list[str]:
        """Return what came out, for people."""
        gaps = np.abs(np.subtract(self.ours, self.torch))
        first = gaps[:10].max()
        found = [
            f"{self.real}, widths divided by {self.divided}, {len(self.ours)} minibatches of "
            f"{self.cases}: costs {self.ours[0]:.4f} to {self.ours[-1]:.4f}",
            f"  largest difference to PyTorch: {gaps.max():.2g}; of the first ten {first:.2g}",
        ]
        if self.torch_double:
            apart = np.abs(np.subtract(self.torch, self.torch_double))
            found.append(
                f"  PyTorch's single and double precision differ by at most {apart.max():.2g}; of "
                f"the first ten {apart[:10].max():.2g}"
            )
        found.append(f"  seconds a step: {self.seconds[0]:.2f}, PyTorch {self.seconds[1]:.2f}")
        return found


# -- the network -----------------------------------------------------------------------------------


def graph_of(classes: int, divided: int = 1):
    """Return AlexNet's graph for so many classes, without random dropout.

    divided: divides the widths of all layers but the last.  Biases of convolutions stay 0: where
    all values under some windows are 0, a positive bias makes equal maxima in max pooling, whose
    gradient goes to all of them here (docs/dialect.md, 3.4) and to one in PyTorch.
    """
    specs = Specs.read(ROOT / "layers/alexnet.cfg", ROOT / "params/alexnet.params")
    changes = [
        (f"{section.name}.{key}", str(int(section.entries[key].value.text) // divided))
        for section in specs.layers.sections
        for key in _WIDTHS
        if key in section.entries and int(section.entries[key].value.text) > 3
        and (section.name, key) != ("fc8", "outputs")
    ]  # fmt: skip
    changes += [(f"drop{layer}.enable", "false") for layer in ("6a", "6b", "7a", "7b")]
    changes += [
        (f"{section.name}.{key}", "0" if (section.name[:4], key) == ("conv", "epsB") else _RATE)
        for section in specs.params.sections
        for key in ("epsW", "epsB")
        if key.lower() in section.entries
    ]
    specs, _ = set_keys(specs, [*changes, ("fc8.outputs", str(classes))])
    graph = build(specs.layers, specs.params, specs.problems, classes=classes)
    specs.problems.raise_errors()
    return graph


def draw_weights(network: Network) -> None:
    """Set weights with which the cost depends on all layers from the first step on.

    They are normal with the deviation sqrt(2 / values that an output is the sum of), but for
    `_DEVIATIONS`, which bring pixels to values that a step does not overshoot on; biases are 0.
    With AlexNet's own, of 0.01, the first steps change little but the last layer's biases, and an
    error below would not show.  All are values of single precision, which an exported file holds.
    """
    rng = np.random.default_rng(SEED)
    inputs = Counter(name.partition(".weights.")[0] for name in network.parameters)
    for name, parameter in network.parameters.items():
        layer, weights, _ = name.partition(".weights.")
        shape = network.read(parameter).shape
        summed = inputs[layer] * int(np.prod(shape[:-1] if len(shape) == 4 else shape[1:]))
        deviation = _DEVIATIONS.get(layer[:-1], (2 / summed) ** 0.5)
        values = (deviation if weights else 0.0) * rng.standard_normal(shape)
        network.write(parameter, values.astype(np.float32).astype(network.engine.real))


def minibatches(data: str, cases: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield crops (values, cases) and labels (1, cases), those of a training."""
    dataset = open_dataset(data)
    feed = Feed(dataset, "train", cases, FeedOptions(side=224, seed=SEED))
    whole = dataset.count("train") // cases
    for index in range(count):
        batch = feed.minibatch(index // whole, index % whole)
        yield batch.matrices[0], batch.matrices[1]


# -- PyTorch ---------------------------------------------------------------------------------------


class InTorch:
    """The module that is exported of a network, and the optimizer of its rates."""

    def __init__(self, network: Network, real: str):
        import torch

        torch.set_num_threads(numba.get_num_threads())
        arrays = {name: network.read(p) for name, p in network.parameters.items()}
        with tempfile.TemporaryDirectory() as folder:
            export(Model(network.graph, arrays), Path(folder) / "net", "torch")
            spec = importlib.util.spec_from_file_location("net", Path(folder) / "net.py")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self.net = module.load().to(getattr(torch, real)).train()
        self.real = getattr(torch, real)
        self.optimizer = torch.optim.SGD(self._groups(network.graph))

    def _groups(self, graph) -> list[dict]:
        """The rates of layers, whose modules and unshared biases have their names.

        Of several inputs, a number is behind the name.
        """
        layers = {node.name: node.layer for node in graph.declared() if node.layer.weights()}
        groups = []
        for name, array in self.net.named_parameters():
            module, _, kind = name.rpartition(".")
            module = module or name  # of unshared biases
            layer = layers[module if module in layers else module.rpartition("_")[0]]
            rate, momentum, decay = layer.rate_b, layer.mom_b, 0.0
            if kind == "weight":
                rate, momentum, decay = layer.rates_w[0], layer.mom_w[0], layer.wc[0]
            groups.append({"params": [array], "lr": rate.rate(0.0), "momentum": momentum,
                           "weight_decay": decay})  # fmt: skip
        return groups

    def step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Train on a minibatch and return its mean cost before."""
        import torch

        side = int(round((len(images) // 3) ** 0.5))
        pixels = np.ascontiguousarray(images.T).reshape(-1, 3, side, side)
        probabilities = self.net(torch.from_numpy(pixels).to(self.real))
        wanted = torch.from_numpy(labels[0].astype(np.int64))
        cost = torch.nn.functional.nll_loss(torch.log(probabilities), wanted)
        self.optimizer.zero_grad()
        cost.backward()
        self.optimizer.step()
        return cost.item()


def our_step(network: Network, images: np.ndarray, labels: np.ndarray) -> float:
    """Train on a minibatch and return its mean cost before."""
    network.load({0: images.astype(network.engine.real), 1: labels})
    network.set_rates(0)
    network.run("train")
    (cost,) = network.costs().values()
    return cost[0] / images.shape[1]


def compared(data: str, count: int, cases: int, real: str, divided: int) -> Costs:
    """Return the costs of training steps on a data set, ours and PyTorch's."""
    graph = graph_of(open_dataset(data).classes, divided)
    network = Network(graph, cases, Engine(getattr(np, real)), seed=SEED)
    draw_weights(network)
    rivals = [InTorch(network, real)]
    if real == "float32":
        rivals.append(InTorch(network, "float64"))
    costs: list[list[float]] = [[], [], []]
    times: list[list[float]] = [[], []]
    for images, labels in minibatches(data, cases, count):
        started = time.perf_counter()
        costs[0].append(our_step(network, images, labels))
        times[0].append(time.perf_counter() - started)
        for number, rival in enumerate(rivals, 1):
            started = time.perf_counter()
            costs[number].append(rival.step(images, labels))
            if number == 1:
                times[1].append(time.perf_counter() - started)
    seconds = tuple(round(float(np.median(each[1:] or each)), 3) for each in times)
    return Costs(real, divided, cases, *costs, seconds)


@click.command(help=__doc__)
@click.option("--data", default=DATA, show_default=True, help="Data set of 256x256 color images.")
@click.option("--minibatches", "count", default=100, show_default=True)
@click.option("--cases", default=128, show_default=True, help="Of a minibatch.")
@click.option("--real", type=click.Choice(["float64", "float32"]), default="float64",
              show_default=True)  # fmt: skip
@click.option("--divided", default=1, show_default=True, help="Divides all widths.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON file to add the result to.")
def main(data, count, cases, real, divided, out):
    found = compared(data, count, cases, real, divided)
    click.echo("\n".join(found.lines()))
    if out:
        before = json.loads(out.read_text("utf-8")) if out.is_file() else []
        out.write_text(json.dumps([*before, asdict(found)]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
