"""Files of DeCAF: pickles of objects of its classes, and the list of layers that it shipped.

The classes here have the modules, names and states of DeCAF's, and exist only while they are
pickled.
"""

import pickle
import sys
import types

import numpy as np

from tests.support.python2_pickle import python2_pickle

_CLASSES = {}


def _made(place: str, state):
    """An object of the class "module.name", whose pickle holds that state."""
    module, _, name = place.rpartition(".")
    if place not in _CLASSES:
        members = {"__module__": module, "__getstate__": lambda self: self.own}
        _CLASSES[place] = type(name, (), members)
    made = _CLASSES[place].__new__(_CLASSES[place])
    made.own = state
    return made


def dumped(value, protocol: int = 2) -> bytes:
    """The pickle of a value with such objects in it."""
    modules = {}
    for place, kind in _CLASSES.items():
        module = place.rpartition(".")[0]
        modules.setdefault(module, types.ModuleType(module)).__dict__[kind.__name__] = kind
    modules |= {name: types.ModuleType(name) for name in ("decaf", "decaf.layers")}
    sys.modules |= modules
    try:
        return pickle.dumps(value, protocol)
    finally:
        for name in modules:
            del sys.modules[name]


def blob(values):
    return _made("decaf._blob.Blob", (values, None))


def convolution(name, filters, biases):
    """A layer with filters (filters, channels, rows, columns); biases: None for none."""
    count, _, side, _ = filters.shape
    matrix = np.ascontiguousarray(filters.transpose(2, 3, 1, 0).reshape(-1, count))
    kernels, bias = blob(matrix), None if biases is None else blob(biases)
    state = {"name": name, "_ksize": side, "_kernels": kernels, "_param": [kernels, bias]}
    state |= {} if biases is None else {"_bias": bias}
    return _made("decaf.layers.convolution.ConvolutionLayer", state)


def grouped(name, filters, biases, groups):
    pairs = zip(np.split(filters, groups), np.split(biases, groups), strict=True)
    parts = [convolution(f"{name}_sub", *pair) for pair in pairs]
    state = {"name": name, "_group": groups, "_conv_layers": parts}
    return _made("decaf.layers.group_convolution.GroupConvolutionLayer", state)


def full(name, weights, biases):
    """A layer with weights (outputs, channels, rows, columns) of an image, or (outputs, inputs)."""
    if weights.ndim == 4:
        weights = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1)
    weight, bias = blob(np.ascontiguousarray(weights.T)), blob(biases)
    state = {"name": name, "_weight": weight, "_bias": bias, "_param": [weight, bias]}
    return _made("decaf.layers.innerproduct.InnerProductLayer", state)


def other(name, param=()):
    """A layer of another class."""
    return _made(
        "decaf.layers.deconvolution.DeconvolutionLayer", {"name": name, "_param": [*param]}
    )


def net(layers, protocol: int = 2) -> bytes:
    """What DeCAF's Net.save writes.  layers: by name."""
    entries = {name: (layer, ["below"], ["above"]) for name, layer in layers.items()}
    return dumped(["a net", entries], protocol)


def listed(layers, protocol: int = 2, **changes) -> bytes:
    """A list of cuda-convnet's layers.  layers: (name, type, weights, biases, groups) of each."""
    found = [{"name": "data", "type": "data", "outputs": 3}]
    for name, kind, weights, biases, groups in layers:
        matrix = np.ascontiguousarray(weights.reshape(len(weights), -1).T)
        layer = {"name": name, "type": kind, "weights": [matrix], "biases": biases.reshape(-1, 1)}
        if kind == "conv":
            layer |= {"filterSize": [weights.shape[-1]], "groups": [groups]}
        found.append(layer | changes)
    return python2_pickle(found, protocol)
