"""Imports whole networks of Caffe: `python -m tests.scripts.caffe_import [NET ...]`.

For each network named (by default caffenet): writes a .caffemodel with the package protobuf and
random weights, imports it with `convnet import --pixels caffe`, and prints the largest difference
of a probability to PyTorch's, which computes in float64, on raw images; then the seconds of each
step.  The exit code is 1 if it is above SAME.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from convnet import nets
from convnet.graph.build import build
from convnet.language.specs import Specs
from tests.support.caffe_nets import draw, in_torch, ours, write_caffemodel
from tests.support.torch_nets import NETS

SAME = 1e-5  # of a probability, in float32


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", default=["caffenet"], help="names of shipped nets")
    parser.add_argument("--images", type=int, default=8)
    options = parser.parse_args()
    return 0 if all([_compare(name, options.images) for name in options.nets]) else 1


def _compare(name: str, images: int) -> bool:
    """Print a line about a network; return whether the probabilities agree."""
    net = nets.find(Path(name))
    specs = Specs.read(net.layers, net.params)
    graph = build(specs.layers, specs.params, specs.problems)
    names = [node.name for node in graph.declared() if node.layer.weights()]
    module, side = NETS[name](), graph.node("data").shape[1]
    pixels = np.random.default_rng(3).integers(0, 256, (images, 3, side, side), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        model, times = Path(folder) / "net.caffemodel", [time.perf_counter()]
        write_caffemodel(model, names, draw(module))
        size = model.stat().st_size
        times.append(time.perf_counter())
        found = ours(model, net.layers, net.params, pixels, "--pixels", "caffe")
        times.append(time.perf_counter())
    expected = in_torch(module, pixels)
    times.append(time.perf_counter())
    worst = float(np.abs(found - expected).max())
    apart = float(np.abs(expected[0] - expected[1:]).max())
    spent = " ".join(f"{word} {s:.0f} s" for word, s in zip(("write", "import and run", "PyTorch"),
                                                         np.diff(times), strict=True))  # fmt: skip
    print(
        f"{name}: {size:,} bytes, {images} images: largest difference {worst:.1e} of probabilities "
        f"up to {expected.max():.3f}, which differ by {apart:.3f} between images; {spent}"
    )
    return worst <= SAME and apart > 1e-3


if __name__ == "__main__":
    sys.exit(main())
