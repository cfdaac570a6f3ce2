"""cuda-convnet2's ImageNet network on one device and spread over several: `make corpus`.

Its one-device file is trained for 20 steps beside: the published two-device data-parallel file, and
the same layers written for four devices, data-parallel and hybrid (convolutions replicated, fully
connected layers single).  Dropout is switched off, so that the numbers can be compared, and the
rates are a hundredth of the file's.
"""

import re
import sys

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.network.network import Network
from tests.scripts.corpus_table import CORPUS

LAYERS, PARAMS = "cc2/layers/layers-imagenet-{}.cfg", "cc2/layers/layer-params-imagenet-{}.cfg"
CASES, STEPS, CLASSES = 4, 20, 1000
FIRST_SINGLE = "fc4096a"  # in the hybrid the layers from here on are on one device


def main() -> int:
    if not (CORPUS / LAYERS.format("1gpu")).exists():
        print(f"skipped: there is no corpus of published files at {CORPUS}")
        return 0
    one, params = text(LAYERS, "1gpu"), text(PARAMS, "1gpu")
    four = on_devices(one, "0,1,2,3")
    convolutions, mark, rest = one.partition(f"[{FIRST_SINGLE}]\n")
    hybrid = on_devices(convolutions, "0,1,2,3") + mark + rest
    synchronous = params.replace("updatePeriod=1", "updatePeriod=4")
    runs = {
        "one device": (one, params),
        "two devices, data-parallel (published)": (text(LAYERS, "2gpu-data"), params),
        "four devices, data-parallel": (four, params),
        "four devices, hybrid, updatePeriod=4": (hybrid, synchronous),
        "four devices, hybrid, updatePeriod=1": (hybrid, params),
    }
    print(f"{'cost a case at step':42}" + "".join(f"{step:>9}" for step in (1, 5, 10, 15, STEPS)))
    for name, files in runs.items():
        costs = train(*files)
        shown = "".join(f"{costs[step - 1]:9.4f}" for step in (1, 5, 10, 15, STEPS))
        print(f"{name:42}{shown}", flush=True)
    return 0


def text(pattern, which) -> str:
    return (CORPUS / pattern.format(which)).read_text(encoding="utf-8")


def on_devices(layers, devices) -> str:
    return re.sub(r"(?m)^gpu *= *0\s*$", f"gpu={devices}", layers)


def train(layers, params) -> list[float]:
    problems = Problems()
    params = re.sub(r"(?m)^enable *=.*$", "enable=true\nkeep=1", params)
    params = re.sub(r"base=0\.0", "base=0.000", params)  # a hundredth: few and random images
    files = [parse(Source.from_text(t), problems) for t in (layers, params)]
    dims = {0: 3 * 224**2, 1: 1}
    graph = build(*files, problems, data_dims=dims, classes=CLASSES, dialect="cc2")
    network = Network(graph, CASES, Engine(np.float32), seed=1)
    rng = np.random.default_rng(5)
    images = 50 * rng.standard_normal((dims[0], CASES)).astype(np.float32)
    labels = rng.integers(0, CLASSES, (1, CASES))
    costs = []
    for _ in range(STEPS):
        network.load({0: images, 1: labels})
        network.set_rates(0)
        network.run("train")
        costs.append(network.costs()["logprob"][0] / CASES)
    return costs


if __name__ == "__main__":
    sys.exit(main())
