"""A small network whose layers are on one device or on several, and minibatches for it."""

import numpy as np

from convnet.graph.build import build
from convnet.language import Problems, Source, parse

CHANNELS, SIDE, CLASSES = 2, 6, 5

LAYERS = """
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
[pool1]
type=pool
pool=max
inputs=join
channels=16
sizeX=3
stride=2
[fc1]
type=fc
inputs=pool1
outputs=5
initW=0.3
gpu={fc}
[probs]
type=softmax
inputs=fc1
[logprob]
type=cost.logreg
inputs=labels,probs
"""
_APART = LAYERS[LAYERS.index("[conv2]") : LAYERS.index("[pool1]")]


def replicated_graph(conv, fc, *, dialect="convnet", extra="", shared=False, tree=None):
    """conv, fc: devices.  extra: keys of the layers with weights.  shared: two layers use conv1's
    weights.  tree: of labels; the last layer is then a treefc."""
    layers = LAYERS if shared else LAYERS.replace(_APART, "").replace("inputs=join", "inputs=conv1")
    if tree is not None:
        layers = layers.replace("type=fc\n", "type=treefc\n").replace("outputs=5\n", "")
    learned = f"epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0.01\n{extra}"
    conv_only = [line for line in learned.splitlines() if not line.startswith("wcNorm")]
    params = f"[conv1]\n{learned}[fc1]\n" + "\n".join(conv_only) + "\n[logprob]\ncoeff=1\n"
    if shared:
        params += f"[conv2]\n{learned}"
    problems = Problems()
    texts = layers.format(conv=conv, fc=fc), params
    files = [parse(Source.from_text(text), problems) for text in texts]
    dims = {0: CHANNELS * SIDE * SIDE, 1: 1}
    return build(*files, problems, data_dims=dims, dialect=dialect, tree=tree)


def batch_of(step, cases):
    rng = np.random.default_rng([step, cases])
    labels = rng.integers(0, CLASSES, (1, cases)).astype(float)
    return {0: rng.standard_normal((CHANNELS * SIDE * SIDE, cases)), 1: labels}
