"""AlexNet on the CUDA engine."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.gpu.settings import ROOT, Settings
from convnet.graph.build import Graph, build
from convnet.graph.guess_sizes import infer_dims
from convnet.language import Source, read_source
from convnet.language.specs import RunDefaults, Specs
from convnet.network.network import Network

if TYPE_CHECKING:
    from convnet.backends.cuda.engine import Engine

WIDTHS = re.compile(r"^(channels|filters|outputs)=(\d\d+)$", re.MULTILINE)  # not 3 colors
MOMENTUM = 0.9


def alexnet(settings: Settings, name: str = "alexnet-groups", devices: int = 2) -> Graph:
    """Return the graph of a shipped spec, smaller in rehearsal.  devices: 1 uses only device 0."""
    layers = (ROOT / f"layers/{name}.cfg").read_text(encoding="utf-8")
    if devices == 1:
        layers = layers.replace("gpu=1", "gpu=0")
    layers = smaller(layers, settings)
    params = read_source(ROOT / f"params/{name}.params")
    specs = Specs.parse(Source.from_text(layers), params)
    RunDefaults(specs.params, specs.problems)
    dims, _ = infer_dims(specs.layers, None, None)
    graph = build(specs.layers, specs.params, specs.problems, data_dims=dims)
    specs.problems.raise_errors()
    return graph


def smaller(layers: str, settings: Settings) -> str:
    """Return the text of a layer file with the widths and image size of the settings."""
    layers = layers.replace("imgSize=224", f"imgSize={settings.side}")
    if settings.divisor > 1:  # three maps at the least
        layers = layers.replace("size=5", "size=3")
    return WIDTHS.sub(lambda found: f"{found[1]}={int(found[2]) // settings.divisor}", layers)


def network(
    graph: Graph,
    cases: int,
    gpus: tuple[int, ...] = (0,),
    precision: str = "fp32",
    graphs: bool = True,
) -> Network:
    """Return a loaded network on GPUs with learning rates of 0, so that all steps are alike."""
    made = Network(graph, cases, engine(gpus, precision, graphs), seed=1)
    for _ in range(2):  # the engine has two buffers
        made.load(matrices(graph, cases))
    freeze(made)
    return made


def engine(gpus: tuple[int, ...], precision: str, graphs: bool) -> "Engine":
    """Return a CUDA engine."""
    from convnet.backends.cuda.engine import Engine

    return Engine(gpus, precision=precision, graphs=graphs)


def matrices(graph: Graph, cases: int) -> dict[int, np.ndarray]:
    """Return random images and labels by dataIdx."""
    rng = np.random.default_rng(cases)
    pixels = graph.node("data").shape.size
    images = rng.standard_normal((pixels, cases), np.float32) * np.float32(60)
    labels = rng.integers(0, graph.node("probs").shape.size, (1, cases))
    return {0: images, 1: labels.astype(np.float32)}


def freeze(made: Network) -> None:
    """Set all learning rates to 0."""
    for parameter in made.plan.parameters:
        for partition in parameter.partitions:
            values = np.array([MOMENTUM, 0.0, 0.0] + [0.0] * (partition.hyper.size - 3))
            made.engine.write(partition.hyper, made.cases, values)


def uploading(made: Network, name: str) -> Callable[[], None]:
    """Return a function that runs a program while the next minibatch is uploaded, as training."""
    load, program = made.program("load"), made.program(name)

    def call():
        program.run()
        load.run()
        made.engine.swap()

    return call


def bytes_planned(made: Network) -> int:
    """Return the device memory of all buffers for the network's minibatch, without scratch."""
    on_devices = [b for b in made.plan.buffers if b.device >= 0]
    twice = [buffer for buffer in on_devices if buffer.role == "inputs"]
    return sum(buffer.bytes(made.plan.capacity, 4) for buffer in on_devices + twice)
