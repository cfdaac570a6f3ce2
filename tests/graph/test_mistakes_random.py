"""Valid files with random damage: they build or are refused with messages, never anything else, and
nothing large is allocated before."""

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convnet.errors import DeviceError, SpecError
from convnet.graph.build import build
from convnet.graph.dialect import NAMES
from convnet.graph.summary import layer_rows
from convnet.language import Problems, Source, parse
from convnet.network.planner import make_plan

BOUNDS = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=16

[labels]
type=data
dataIdx=1

[conv1]
type=conv
inputs=data
channels=3
filters=16
filterSize=5
padding=2
stride=2
initW=0.01
sharedBiases=true
neuron=relu
gpu=0

[rnorm1]
type=cmrnorm
inputs=conv1
channels=16
size=5

[pool1]
type=pool
pool=max
inputs=rnorm1
channels=16
sizeX=3
stride=2

[conv2a]
type=conv
inputs=pool1,pool1
channels=16,16
filters=4,8
groups=2,1
filterSize=3,3
padding=1,1
initW=0.1,0.1
weightSource=,
neuron=tanh[1.7,0.66]
gpu=0

[conv2b]
type=conv
inputs=pool1
channels=16
filters=8
filterSize=3
padding=1
initW=0.1
wcNormMax=1
gpu=1

[conv2c]
type=conv
inputs=pool1
channels=16
filters=8
filterSize=3
padding=1
initW=0.1
weightSource=conv2b[0]
gpu=1

[local3]
type=local
inputs=conv2b
channels=8
filters=4
filterSize=3
initW=0.1
initB=1

[sum4]
type=eltsum
inputs=conv2a,conv2b
coeffs=0.5,-1

[max5]
type=eltmax
inputs=sum4,conv2c
gpu=1

[join6]
type=pass
inputs=max5,local3

[drop7]
type=dropout
inputs=join6
neuron=drelu[2]

[fc8]
type=fc
inputs=drop7
outputs=10
initW=0.01

[probs]
type=softmax
inputs=fc8

[logprob]
type=cost.logreg
inputs=labels,probs

[small]
type=cost.sum2
inputs=fc8
"""
LEARN = "epsW=0.01\nepsB=0.02\nmomW=0.9\nmomB=0.9\nwc=0.0005\n"
NAMED = ("conv1", "conv2a", "conv2b", "conv2c", "local3", "fc8")
PARAMS = "".join(f"[{name}]\n{LEARN}\n" for name in NAMED)
PARAMS = PARAMS.replace("epsW=0.01", "epsW=dexp[base=0.01;tgtFactor=250;numSteps=4]", 1)
PARAMS += "[rnorm1]\nscale=0.0001\npow=0.75\nminDiv=2\n[drop7]\nkeep=0.5\n"
PARAMS += "[logprob]\ncoeff=1\ntopk=5\n[small]\ncoeff=0\n[sum4]\n"

VALUES = ["", "0", "1", "2", "3", "4", "7", "16", "17", "-1", "-5", "0.5", "1e-9", "1e30", "1e999"]
VALUES += ["99999999999999999999", "9" * 5000, "1000000000", "true", "false", "no", "x", "data"]
VALUES += [
    "0,1",
    "1,1",
    "3,5",
    "0,0",
    "1,",
    ",",
    "relu",
    "log[0]",
    "brelu[1e400]",
    "tanh[1]",
    "sqrt",
]
VALUES += [
    "conv1",
    "conv2b[0]",
    "conv2b[1]",
    "fc8,probs",
    "logprob",
    "max",
    "avg",
    "rand",
    "maxabs",
]
VALUES += [
    "dexp[250,4]",
    "exp[tgtFactor=2]",
    "linear[base=1;tgtFactor=0]",
    "jdexp[base=1]",
    "m.f(1)",
]
VALUES += ["conv", "fc", "local", "pool", "cnorm", "rnorm", "concat", "eltmax", "data", "neuron"]
VALUES += ["hs", "dropout2", "softmax", "blur", "cost.sum2", "cost.logreg", "nrelu", "٣", "1_0"]
KEYS = ["start=-1", "end=3", "outputsX=2", "modulesX=9", "dropout=0.5", "neuron=square", "gpu=3"]
KEYS += [
    "wball=1",
    "wcNormMin=2",
    "schedW=exp[2]",
    "superEps=1",
    "randSparse=1",
    "filterChannels=4",
]
KEYS += [
    "initWFunc=a.b(c)",
    "partialSum=3",
    "sumWidth=1",
    "blocked=1",
    "sum=1",
    "gpu=0,1",
    "size=3",
]
KEYS += ["updatePeriod=1", "quantF=half", "coeffs=1", "doMax=1", "imgSize=4", "enable=0", "[new]"]


@st.composite
def damaged(draw, text):
    """A file with a few lines or values taken out, doubled, moved or replaced."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["value", "value", "value", "drop", "twice", "move", "key"]))
        line = lines[at]
        if kind == "value" and "=" in line:
            lines[at] = line.partition("=")[0] + "=" + draw(st.sampled_from(VALUES))
        elif kind == "drop":
            del lines[at]
        elif kind == "twice":
            lines.insert(at, line)
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif kind == "key":
            lines.insert(at, draw(st.sampled_from(KEYS)))
    return "\n".join(lines) + "\n"


def judge(layers, params, dialect=None, memory=10**9):
    problems = Problems()
    files = [parse(Source.from_text(text, name), problems) for text, name in (layers, params)]
    graph = build(*files, problems, dialect=dialect, classes=None, memory=memory)
    layer_rows(graph)
    return make_plan(graph, 2)


@BOUNDS
@given(damaged(LAYERS), damaged(PARAMS), st.sampled_from([None, *NAMES]))
def test_damaged_files_are_refused_with_messages(layers, params, dialect):
    start = time.monotonic()
    try:
        judge((layers, "net.cfg"), (params, "net.params"), dialect)
    except SpecError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message and "\n" not in problem.message
            assert len(problem.message) < 400
    except DeviceError:
        pass
    assert time.monotonic() - start < 2  # half a second, but for a busy machine


def test_the_undamaged_files_are_good():
    plan = judge((LAYERS, "net.cfg"), (PARAMS, "net.params"))
    assert {"load", "train", "gradients", "test"} == set(plan.programs)
    assert not plan.graph.warnings
