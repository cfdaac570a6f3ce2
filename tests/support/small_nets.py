"""Small networks in the kinds of parallelism that there are, as (graph, minibatch, data)."""

import re

import numpy as np

from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from tests.support.paths import ROOT

CLASSES, SIDE = 5, 6

_LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels=2
filters=16
filterSize=3
padding=1
initW=0.3
neuron=relu
gpu={conv}
[pool1]
type=pool
pool=max
inputs=conv1
channels=16
sizeX=3
stride=2
[fca]
type=fc
inputs=pool1
outputs=8
initW=0.3
neuron=tanh
gpu={fc}
[drop]
type=dropout2
inputs=fca
[fc2]
type=fc
inputs=drop
outputs=5
initW=0.3
gpu={fc}
[probs]
type=softmax
inputs=fc2
[logprob]
type=cost.logreg
inputs=labels,probs
"""
_LEARNED = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0.01\n"
_PARAMS = (
    "".join(f"[{name}]\n{_LEARNED}" for name in ("conv1", "fca", "fc2"))
    + "[drop]\nkeep=0.5\n[logprob]\ncoeff=1\n"
)


def graph_of(layers, params, dims, **options):
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    return build(*files, problems, data_dims=dims, **options)


def small(conv, fc):
    """A net whose conv layers are on the devices `conv`, the others on `fc`, such as "0,1"."""
    return graph_of(
        _LAYERS.format(conv=conv, fc=fc), _PARAMS, {0: 2 * SIDE**2, 1: 1}, dialect="convnet"
    )


def narrow_alexnet(width=16, side=67):
    """The shipped AlexNet on two devices, with 1/`width` of its filters and outputs (16 at least).

    For images of `side` pixels.
    """
    layers = (ROOT / "layers/alexnet.cfg").read_text()

    def narrower(match):
        return f"{match[1]}={max(16, int(match[2]) // width)}"

    layers = re.sub(r"(filters|channels|outputs)=(\d\d+)", narrower, layers)
    layers = layers.replace("imgSize=224", f"imgSize={side}")
    params = (ROOT / "params/alexnet.params").read_text()
    params = re.sub(r"eps([WB])=\S+", r"eps\1=0.01", params)
    return graph_of(layers, params, {0: 3 * side**2, 1: 1})


def batch(graph, step, cases, classes=CLASSES):
    """Random data of a step for a graph's two data layers."""
    values = next(n.shape.size for n in graph.nodes if n.is_data and n.layer.data_idx == 0)
    rng = np.random.default_rng([step, cases])
    labels = rng.integers(0, classes, (1, cases)).astype(float)
    return {0: rng.standard_normal((values, cases)), 1: labels}


_HALF = """
[data]
type=data
dataIdx=0
[low]
type=fc
inputs=data
outputs=6
initW=1
neuron=tanh
gpu=0
[high]
type=fc
inputs=low
outputs=3
initW=1
gpu=1
[cost]
type=cost.sum2
inputs=high
"""


def half_graph(quantized):
    """A layer on device 0 below one on device 1; quantized: keys of the lower one."""
    params = f"[low]\n{_LEARNED}{quantized}[high]\n{_LEARNED}[cost]\ncoeff=1\n"
    return graph_of(_HALF, params, {0: 5})
