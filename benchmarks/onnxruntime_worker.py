"""A process that is timed: `python -m benchmarks.onnxruntime_worker KIND NET FOLDER THREADS`.

KIND: ours, onnxruntime or torch.  FOLDER: as `write_network` fills it.  Answers requests on
standard input (see timing.serve).
"""

import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.cpu.worker import measured
from benchmarks.graphs import shapes_of, shipped_graph
from benchmarks.timing import serve

SIZES = (1, 8, 128)  # images of a test step
NAME = "exported"  # of the files in the folder


def network_of(net: str):
    """A shipped network with the initial weights of its files, the same ones at every call."""
    from convnet.backends.cpu.engine import Engine
    from convnet.network.network import Network

    return Network(shipped_graph(net), max(SIZES), Engine())


def write_network(net: str, folder: Path) -> None:
    """Export the network for both rivals."""
    from convnet.export.formats import export
    from convnet.export.model import Model

    network = network_of(net)
    arrays = {name: network.read(each) for name, each in network.parameters.items()}
    for form in ("onnx", "torch"):
        export(Model(network.graph, arrays), folder / NAME, form)


def images_of(net: str, cases: int) -> np.ndarray:
    """Images (cases, channels, rows, columns)."""
    shape, _ = shapes_of(shipped_graph(net))
    return np.random.default_rng(5).standard_normal((cases, *shape), np.float32)


def ours(net: str, folder: Path, threads: int):
    """A function from images to one that returns their probabilities, (cases, classes)."""
    network = network_of(net)
    name = next(n.name for n in network.graph.nodes if n.layer.type_name == "softmax")

    def with_images(images):
        cases = len(images)
        matrices = {0: np.ascontiguousarray(images.reshape(cases, -1).T)}
        matrices |= {
            index: np.zeros((rows, cases), np.float32)
            for index, rows in network.graph.data_dims.items()
            if index
        }

        def step():
            network.load(matrices)
            network.run("test")
            return network.output(name).reshape(-1, cases).T

        return step

    return with_images


def onnxruntime(net: str, folder: Path, threads: int):
    """The same in ONNX Runtime: all optimizations, one operator after the other."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    file = str(folder / f"{NAME}.onnx")
    session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: lambda: session.run(None, {name: images})[0]


def torch(net: str, folder: Path, threads: int):
    """The same in PyTorch, without gradients."""
    library = import_module("torch")
    library.set_num_threads(threads)
    sys.path.insert(0, str(folder))
    module = import_module(NAME).load()

    def with_images(images):
        tensor = library.from_numpy(images)

        def step():
            with library.inference_mode():
                return module(tensor).numpy()

        return step

    return with_images


KINDS = {"ours": ours, "onnxruntime": onnxruntime, "torch": torch}


class Server:
    """Answers for one rival."""

    def __init__(self, kind: str, net: str, folder: str, threads: str):
        self.net = net
        self.with_images = KINDS[kind](net, Path(folder), int(threads))

    @cache  # noqa: B019
    def _step(self, cases: int):
        """A test step, which has run once: the first one binds programs and allocates."""
        step = self.with_images(images_of(self.net, cases))
        step()
        return step

    def step(self, cases: int) -> float:
        """Seconds of a test step."""
        return measured(self._step(cases))

    def probabilities(self, cases: int) -> list[list[float]]:
        """The result of a test step."""
        return self._step(cases)().tolist()


def main() -> None:
    server = Server(*sys.argv[1:])
    serve({"step": server.step, "probabilities": server.probabilities})


if __name__ == "__main__":
    main()
