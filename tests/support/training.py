"""A small run on the packaged digits, for the tests of training; and reading what it left."""

import numpy as np

from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import load, newest
from convnet.data import Feed, FeedOptions, open_dataset
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.network.network import Network
from convnet.train import Options, Run, RunFolder, fit

SIDE, MINIBATCH, SEED = 6, 100, 5

LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[pool]
type=pool
pool=max
inputs=data
channels=1
sizeX=2
stride=1
[hidden]
type=fc
inputs=pool
outputs=24
initW=0.002
neuron=tanh
[drop]
type=dropout2
inputs=hidden
[scores]
type=fc
inputs=drop
outputs=10
initW=0.1
[probs]
type=softmax
inputs=scores
[logprob]
type=cost.logreg
inputs=labels,probs
"""

PARAMS = """
[hidden]
epsW=dexp[base=0.002;tgtFactor=10;numSteps=3]
epsB=0.01
momW=0.9
momB=0.9
wc=0.001
[scores]
epsW=linear[base=0.02;tgtFactor=4]
epsB=0.02
momW=0.9
momB=0.8
[drop]
keep=0.8
[logprob]
coeff=1
topk=3
"""


def make_graph(layers=LAYERS, params=PARAMS, dialect="convnet", dims=None, classes=10):
    problems = Problems()
    sources = [Source.from_text(s) if isinstance(s, str) else s for s in (layers, params)]
    files = [parse(source, problems) if source else None for source in sources]
    dims = dims or {0: SIDE * SIDE, 1: 1, 2: 10}
    return build(*files, problems, dialect=dialect, data_dims=dims, classes=classes)


def make_run(
    folder=None,
    params=PARAMS,
    layers=LAYERS,
    dataset=None,
    seed=SEED,
    minibatch=MINIBATCH,
    side=SIDE,
    **options,
) -> Run:
    """A run with random crops, flips and dropout: 16 minibatches an epoch, the last of one case."""
    dataset = dataset or open_dataset("digits")
    dims = {0: side * side, 1: 1, 2: 10}
    network = Network(make_graph(layers, params, dims=dims), minibatch, Engine(), seed=seed)
    cut = {"side": side, "flip": side < 8}
    return Run(
        network,
        Feed(dataset, "train", minibatch, FeedOptions(seed=seed, **cut)),
        Feed(dataset, "test", minibatch, FeedOptions(**cut)),
        options=Options(**options),
        folder=None if folder is None else RunFolder(folder),
        data=dataset.name,
        class_names=dataset.class_names,
    )


def go_on(folder, params=None, source=None, **options):
    """Resume the folder's newest checkpoint, or `source`, and train on; returns run, outcome."""
    path = newest(source or folder)
    saved = load(path)
    run = make_run(folder, params or saved.params, saved.layers, seed=saved.seed, **options)
    run.resume(saved, path)
    return run, fit(run)


def state(run) -> dict[str, np.ndarray]:
    """Weights, biases and velocities."""
    return run.checkpoint().arrays


def same(a: dict, b: dict) -> bool:
    """Whether two states are equal bit for bit."""
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def curve(records, event="train"):
    """What a plot shows: (step, costs) of each record."""
    return [(r["step"], r["costs"]) for r in records if r["event"] == event]
