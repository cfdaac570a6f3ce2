"""Small networks on one device or on several, and minibatches for them."""

import re

import numpy as np

from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from tests.support.paths import ROOT

CHANNELS, SIDE, CLASSES = 2, 6, 5
VALUES = CHANNELS * SIDE**2
DIMS = {0: VALUES, 1: 1}

# Layers of which networks are put together.
DATA = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
"""
CONV = """
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
"""
_APART = """
[conv2]
type=conv
inputs=data
channels=2
filters=16
filterSize=3
padding=1
initW=0.3
weightSource=conv1
neuron=tanh
gpu={conv}
[join]
type=eltsum
inputs=conv1,conv2
coeffs=1,0.5
"""
POOL = """
[pool1]
type=pool
pool=max
inputs=conv1
channels=16
sizeX=3
stride=2
"""
HIDDEN = """
[fca]
type=fc
inputs=pool1
outputs=8
initW=0.3
neuron=tanh
gpu={fca}
"""
LAST = """
[fc2]
type=fc
inputs=fca
outputs=5
initW=0.3
"""
COST = """
[probs]
type=softmax
inputs=fc2
[logprob]
type=cost.logreg
inputs=labels,probs
"""
LEARNED = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0.01\n"


def graph_of(layers, params, dims=DIMS, **options):
    """The graph of two texts."""
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    return build(*files, problems, data_dims=dims, **options)


def params_of(layers, learned=LEARNED):
    """The parameters of layers with weights, and of the cost."""
    return "".join(f"[{name}]\n{learned}" for name in layers) + "[logprob]\ncoeff=1\n"


def small(conv, fc):
    """A net whose conv layers are on the devices `conv`, the others on `fc`, such as "0,1"."""
    dropped = "[drop]\ntype=dropout2\ninputs=fca\n"
    last = LAST.replace("fca", "drop") + "gpu={fc}\n"
    layers = DATA + CONV + POOL + HIDDEN.replace("{fca}", "{fc}") + dropped + last + COST
    params = params_of(("conv1", "fca", "fc2")) + "[drop]\nkeep=0.5\n"
    return graph_of(layers.format(conv=conv, fc=fc), params, dialect="convnet")


def replicated_graph(conv, fc, *, dialect="convnet", extra="", shared=False, tree=None):
    """conv, fc: devices.  extra: keys of the layers with weights.  shared: two layers use conv1's
    weights.  tree: of labels; the last layer is then a treefc."""
    pool = POOL.replace("inputs=conv1", "inputs=join") if shared else POOL
    last = LAST.replace("fca", "pool1") + "gpu={fc}\n"
    if tree is not None:
        last = last.replace("type=fc\n", "type=treefc\n").replace("outputs=5\n", "")
    layers = DATA + CONV + (_APART if shared else "") + pool + last + COST
    convs = ("conv1", "conv2") if shared else ("conv1",)
    of_fc = "\n".join(line for line in extra.splitlines() if not line.startswith("wcNorm"))
    params = params_of(convs, LEARNED + extra) + f"[fc2]\n{LEARNED}{of_fc}\n"
    return graph_of(layers.format(conv=conv, fc=fc), params, dialect=dialect, tree=tree)


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


def half_graph(quantized, learned=LEARNED):
    """A layer on device 0 below one on device 1; quantized: keys of the lower one."""
    params = f"[low]\n{learned}{quantized}[high]\n{learned}[cost]\ncoeff=1\n"
    return graph_of(_HALF, params, {0: 5})


def batch_of(step, cases, values=VALUES):
    """Random data of a step for the two data layers."""
    rng = np.random.default_rng([step, cases])
    labels = rng.integers(0, CLASSES, (1, cases)).astype(float)
    return {0: rng.standard_normal((values, cases)), 1: labels}


def batch(graph, step, cases):
    """Random data of a step for a graph's two data layers."""
    values = next(n.shape.size for n in graph.nodes if n.is_data and n.layer.data_idx == 0)
    return batch_of(step, cases, values)
