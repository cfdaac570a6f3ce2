"""A small trained net as each of the three original systems would have saved it.

One input image of 8x8, conv with relu, max pooling, normalization across maps, fc, softmax, logreg.
"""

import numpy as np

from tests.support.python2_pickle import Instance, Name, python2_pickle

SIDE, FILTERS, CLASSES, MINIBATCH = 8, 16, 10, 4
SIZE, SCALE, POWER = 5, 0.75, 0.5
RATES = {  # layer -> epsW, epsB, momW, momB, wc
    "conv1": (0.01, 0.02, 0.9, 0.8, 0.004),
    "fc10": (0.03, 0.04, 0.7, 0.6, 0.02),
}
TRAIN, TEST = list(range(1, 6)), [6]
EPOCH, BATCH = 3, 2


def matrices(seed=0) -> dict[str, np.ndarray]:
    """Weights and velocities in the originals' orientation; fc in Fortran order, float32."""
    rng = np.random.default_rng(seed)

    def normal(shape, scale, order):
        return np.array(rng.standard_normal(shape) * scale, np.float32, order=order)

    inputs = FILTERS * 16
    return {
        "conv1.weights": normal((9, FILTERS), 0.3, "C"),
        "conv1.weightsInc": normal((9, FILTERS), 0.01, "C"),
        "conv1.biases": normal((FILTERS, 1), 0.1, "C"),
        "conv1.biasesInc": normal((FILTERS, 1), 0.01, "C"),
        "fc10.weights": normal((inputs, CLASSES), 0.1, "F"),
        "fc10.weightsInc": normal((inputs, CLASSES), 0.01, "F"),
        "fc10.biases": normal((1, CLASSES), 0.1, "F"),
        "fc10.biasesInc": normal((1, CLASSES), 0.01, "F"),
    }


def _weighted(name, arrays, system):
    eps_w, eps_b, mom_w, mom_b, wc = RATES[name]
    keys = {"epsW": [eps_w], "epsB": eps_b, "momW": [mom_w], "momB": mom_b, "wc": [wc]}
    if system == "cc2":
        keys["epsW"] = [{"type": "const", "params": {"base": eps_w, "tgtFactor": None}}]
        keys["epsB"] = {"type": "dexp", "params": {"base": eps_b, "tgtFactor": 10.0,
                                                   "numSteps": 3, "noiseStdev": 0.0}}  # fmt: skip
    if system == "chm":
        keys["schedW"] = {"type": "default", "params": {}}
        keys["schedB"] = {"type": "dexp", "params": {"tgtFactor": 10.0, "numSteps": 3}}
    if system != "cc1":
        keys |= {"wball": [0.0], "superEps": 0.0}
    own = {kind: [arrays[f"{name}.{kind}"]] for kind in ("weights", "weightsInc")}
    own |= {kind: arrays[f"{name}.{kind}"] for kind in ("biases", "biasesInc")}
    sources = "weightSourceLayerIndices" if system == "cc1" else "weightSourceLayers"
    keys |= {"initW": [0.01], "initB": 0.0, "initWFunc": "initw.makew(x)", "initBFunc": ""}
    keys |= {sources: [-1 if system == "cc1" else ""], "weightSourceMatrixIndices": [-1]}
    return {**keys, **own, "requiresParams": True, "weightSource": [""]}


def layers(system: str, arrays) -> dict[str, dict]:
    """The stored layers by name, their inputs as names, neurons detached."""
    relu = {"type": "relu", "params": {}, "usesActs": True, "usesInputs": False}
    widen = {"channels": FILTERS, "imgPixels": 16, "imgSize": 4}
    conv = {
        "channels": [1], "filters": FILTERS, "filterSize": [3], "padding": [-1], "stride": [1],
        "groups": [1], "filterChannels": [1], "filterPixels": [9], "imgSize": [SIDE],
        "imgPixels": [SIDE**2], "modulesX": SIDE, "modules": SIDE**2, "sharedBiases": True,
        "neuron": "relu", "outputs": FILTERS * SIDE**2, "initCFunc": "",
        **({"sumWidth": 4} if system == "cc2" else {"partialSum": 4, "randSparse": [False]}),
        **_weighted("conv1", arrays, system),
    }  # fmt: skip
    known = {
        "data": {"type": "data", "inputs": None, "dataIdx": 0, "outputs": SIDE**2},
        "labels": {"type": "data", "inputs": None, "dataIdx": 1, "outputs": 1},
        "conv1": {"type": "conv", "inputs": ["data"], **conv},
        "conv1_neuron": {"type": "neuron", "inputs": ["conv1"], "neuron": relu,
                         "outputs": FILTERS * SIDE**2},
        "pool1": {"type": "pool", "inputs": ["conv1_neuron"], **widen, "imgSize": SIDE,
                  "pool": "max", "sizeX": 2, "stride": 2, "start": 0, "outputsX": 4},
        "norm1": {"type": "cmrnorm", "inputs": ["pool1"], **widen, "size": SIZE,
                  "scale": SCALE / SIZE, "pow": POWER, "minDiv": 1.0, "blocked": False},
        "fc10": {"type": "fc", "inputs": ["norm1"], "outputs": CLASSES, "neuron": "",
                 **_weighted("fc10", arrays, system)},
        "probs": {"type": "softmax", "inputs": ["fc10"], "outputs": CLASSES},
        "logprob": {"type": "cost.logreg", "inputs": ["labels", "probs"], "coeff": 1.0,
                    "outputs": 0, "topk": 1},
    }  # fmt: skip
    for name, layer in known.items():
        layer["name"] = name
        if layer["inputs"] is None:
            del layer["inputs"]
        elif system != "cc1":
            layer["inputLayers"] = [known[each] for each in layer["inputs"]]
        if system == "chm":
            layer["gpu"] = -1 if layer["type"] == "data" else 0
        if system == "cc2":
            layer["gpu"] = [-1] if layer["type"] == "data" else [0]
    return known


def _option(value):
    parser = Name("options", "StringOptionParser")
    return Instance(Name("options", "Option"), {"value": value, "parser": parser})


def checkpoint(system: str, protocol: int = 2, change=None, **given) -> bytes:
    """The file.  change: a function that is given the model's state.  given: option values."""
    known = layers(system, matrices())
    if system == "cc1":
        names = list(known)
        for layer in known.values():
            layer["inputs"] = [names.index(each) for each in layer.get("inputs", [])]
        stored = list(known.values())
    else:  # dictionaries of Python 2 have no order
        stored = dict(sorted(known.items(), key=lambda item: item[0][::-1]))
    output = [({"logprob": [8.0 * n, 3.0 * n]}, 4 * n) for n in (2, 3)]
    state = {
        "layers": stored, "epoch": EPOCH, "batchnum": BATCH,
        "train_outputs": output, "test_outputs": [({"logprob": [9.0, 6.0]}, 10)],
    }  # fmt: skip
    if change is not None:
        change(state)
    values = {
        "minibatch_size": MINIBATCH, "num_epochs": 20, "train_batch_range": TRAIN,
        "test_batch_range": TEST, "data_path": "/data/cifar", "dp_type": "cifar",
    }  # fmt: skip
    options = {name: _option(value) for name, value in (values | given).items()}
    op = Instance(Name("options", "OptionsParser"), {"options": options})
    return python2_pickle({"model_state": state, "op": op}, protocol)
