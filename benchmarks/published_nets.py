"""Training speed on the originals' CIFAR-10 nets: `python -m benchmarks.published_nets`.

Each net of examples/cifar10 trains on a minibatch of 128 random images, beside the PyTorch module
that `convnet export --format torch` writes of it, with torch.optim.SGD at the same rates.  The two
take turns in one process, on the same threads.  A ratio is PyTorch's time divided by convnet's, the
median over the rounds with its extremes.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.timing import seconds_of
from benchmarks.torch_costs import InTorch, our_step
from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from examples.arguments import FOLDER
from examples.cifar10.nets import NETS, Net
from examples.records import write_records
from examples.torch_table import speeds_table

CASES = 128
CLASSES = 10
SIDE, CROP = 32, 24
LEAST = 0.5  # seconds of a measurement


@dataclass(frozen=True)
class Speed:
    """Images a second in training, and PyTorch's time divided by convnet's in each round."""

    net: str
    ours: float
    torch: float
    ratios: list[float]


def graph_of(net: Net, corpus: Path, values: int):
    """Return the graph of an original's net for images of so many values."""
    specs = Specs.read(net.layers(corpus), net.params(corpus))
    graph = build(
        specs.layers, specs.params, specs.problems, data_dims={0: values, 1: 1}, classes=CLASSES,
        dialect=net.dialect,
    )  # fmt: skip
    specs.problems.raise_errors()
    return graph


def measured(net: Net, corpus: Path, rounds: int) -> Speed:
    """Train both in turns."""
    values = 3 * (CROP if net.crops else SIDE) ** 2
    network = Network(graph_of(net, corpus, values), CASES, Engine(), seed=1)
    rival = InTorch(network, "float32")
    rng = np.random.default_rng(1)
    images = rng.standard_normal((values, CASES), np.float32)
    labels = rng.integers(0, CLASSES, (1, CASES)).astype(np.float32)
    steps = (
        lambda: our_step(network, images, labels),
        lambda: rival.step(images, labels),
    )
    counts = [_count(step) for step in steps]
    times = [
        [seconds_of(step, count) for step, count in zip(steps, counts, strict=True)]
        for _ in range(rounds)
    ]
    ours, torch = (CASES / min(column) for column in zip(*times, strict=True))
    return Speed(net.name, round(ours), round(torch), [round(b / a, 2) for a, b in times])


def _count(step) -> int:
    """How many steps take LEAST seconds; the first is not counted."""
    step()
    return max(1, int(LEAST / seconds_of(step)))


@click.command(help=__doc__)
@click.option("--corpus", required=True, type=FOLDER, help="The originals' files.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="JSON file for the results.")
def main(corpus, rounds, out):
    found = []
    nets: dict[str, Net] = {}
    for net in NETS:  # some train the same files in several ways
        nets.setdefault(net.files, net)
    for net in nets.values():
        found.append(measured(net, corpus, rounds))
        click.echo(speeds_table([asdict(found[-1])]).splitlines()[-1])
    if out:
        write_records(found, out)


if __name__ == "__main__":
    main()
