"""A broken mapping is seen by the rows: each line breaks one thing in the exported network.

What is broken: an attribute of an operator, an array, or a piece of text.  Afterwards the values
differ from ours by far more than rounding.
"""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from convnet.export.to_onnx.write import onnx_bytes
from convnet.export.to_torch.write import torch_module
from tests.support.cases import BY_NAME
from tests.support.exported import differences, in_onnxruntime, in_torch, inputs_of, model_of, ours
from tests.support.rows import network_of

SEEN = 1e-4  # 50 times the limit of test_rows.py


def half(array):
    return array * np.float32(0.5)


def turned(array):
    """The first axis rotated by one."""
    return np.roll(array, 1, 0)


def by_groups(array):
    """The filters of the second half first."""
    return np.roll(array, len(array) // 2, 0)


def swapped(ends):
    """Pads or places of the beginning and the end exchanged."""
    return [*ends[len(ends) // 2 :], *ends[: len(ends) // 2]]


# -- ONNX ------------------------------------------------------------------------------------------

ATTRIBUTES = [  # row, operator, attribute, what it becomes
    ("conv: overhang past padding", "Conv", "pads", swapped),
    ("pool: max, dense", "MaxPool", "pads", swapped),
    ("pool: max, overhang", "MaxPool", "pads", swapped),
    ("pool: avg, overhang", "AveragePool", "pads", swapped),
    ("pool: avg, overhang", "AveragePool", "count_include_pad", lambda _: 1),
    ("pool: avg, start", "AveragePool", "count_include_pad", lambda _: 1),
    ("pool: maxabs, ties", "ArgMax", "select_last_index", lambda _: 0),
    ("cmpool: start", "MaxPool", "pads", swapped),
    ("cmrnorm: odd", "LRN", "alpha", lambda alpha: alpha / 5),
    ("cmrnorm: odd", "LRN", "alpha", lambda alpha: alpha * 5),
    ("cmrnorm: odd", "LRN", "beta", lambda beta: 0.5),
    ("cmrnorm: odd", "LRN", "bias", lambda bias: 1.0),
    ("cmrnorm: odd", "LRN", "size", lambda size: 3),
    ("cnorm: odd", "AveragePool", "count_include_pad", lambda _: 1),
    ("cnorm: even", "AveragePool", "pads", swapped),
    ("softmax: 33 cases", "Softmax", "axis", lambda _: 0),
]

ARRAYS = [  # row, end of the array's name, what it becomes
    ("conv", "y/weights.0", lambda w: w[:, :, ::-1]),
    ("conv", "y/weights.0", lambda w: w.transpose(0, 1, 3, 2)),
    ("conv", "y/biases", half),
    ("conv: groups", "y/weights.0", by_groups),
    ("conv: groups", "y/biases", by_groups),
    ("conv: unshared biases", "y/biases", lambda b: b.transpose(0, 1, 3, 2)),
    ("conv: two images", "y/weights.1", turned),
    ("conv: randSparse", "y/connections.0", turned),
    ("conv: randSparse, channels in several groups", "y/connections.0", np.sort),
    ("local", "y/taps", turned),
    ("local", "y/weights.0", turned),
    ("local", "y/biases", lambda b: b.transpose(0, 1, 3, 2)),
    ("local: groups", "y/weights.0", lambda w: w[:, ::-1]),
    ("local: randSparse", "y/connections.0", turned),
    ("local: padding", "y/integers", lambda pads: np.array(swapped(list(pads)))),
    ("fc", "y/weights.0", turned),
    ("fc", "y/biases", half),
    ("fc: two inputs", "y/weights.1", half),
    ("sfc", "y/weights.0", turned),
    ("treefc", "y/paths", lambda paths: paths * (np.arange(paths.shape[1]) != 8)),
    ("pool: sum", "y/pixels", lambda size: size - 1),
    ("cmrnorm: even", "y/scale", lambda scale: scale * 4),
    ("cmrnorm: even", "y/minDiv", lambda k: k - 0.5),
    ("cmrnorm: even", "y/pow", half),
    ("cmrnorm: blocked", "y/blocks", turned),
    ("rnorm: odd", "y/scale", lambda scale: scale / 3),
    ("rnorm: even", "y/integers", lambda pads: np.array(swapped(list(pads)))),
    ("cnorm: odd", "y/scale", half),
    ("brelu", "y/a", half),
    ("drelu", "y/a", half),
    ("softrelu", "y/threshold", lambda t: t * 5),
    ("tanh", "y/a", half),
    ("tanh", "y/b", half),
    ("linear", "y/a", half),
    ("linear", "y/b", half),
    ("log", "y/a", half),
    ("hs", "y/factor", lambda keep: 1 - keep),
    ("dropout2", "y/factor", half),
    ("dropout: the key", "y/factor", half),
    ("eltsum", "y/factor", half),
    ("blur", "y/gaussian", lambda taps: taps**2),
    ("resize: smaller", "y/rows", turned),
    ("rscale: tested small", "y/columns", half),
    ("rgb2yuv", "y/colors", np.transpose),
    ("rgb2lab", "y/bend", lambda t: t * 100),
    ("rgb2lab", "y/root", half),
    ("rgb2lab: center", "y/offsets", half),
]


def run_row(name, write):
    network = network_of(BY_NAME[name], np.float32)
    network.run("test")
    model, outputs = model_of(network), (BY_NAME[name].last(),)
    inputs = inputs_of(model, BY_NAME[name].matrices(), outputs)
    return write(model, outputs), inputs, ours(network, outputs)


def onnx_difference(name, change) -> float:
    """The difference after a change of the ONNX model of a row."""
    data, inputs, expected = run_row(name, onnx_bytes)
    model = onnx.load_from_string(data)
    change(model.graph)
    found = in_onnxruntime(model.SerializeToString(), inputs)
    return max(each.relative for each in differences(expected, found).values())


@pytest.mark.parametrize(("row", "kind", "key", "change"), ATTRIBUTES)
def test_attributes(row, kind, key, change):
    def break_it(graph):
        node = next(node for node in graph.node if node.op_type == kind)
        attribute = next(each for each in node.attribute if each.name == key)
        value = change(helper.get_attribute_value(attribute))
        attribute.CopyFrom(helper.make_attribute(key, value))

    assert onnx_difference(row, break_it) > SEEN


@pytest.mark.parametrize(("row", "name", "change"), ARRAYS)
def test_arrays(row, name, change):
    def break_it(graph):
        array = next(each for each in graph.initializer if each.name == name)
        old = numpy_helper.to_array(array)
        new = np.ascontiguousarray(change(old)).astype(old.dtype).reshape(old.shape)
        array.CopyFrom(numpy_helper.from_array(new, name))

    assert onnx_difference(row, break_it) > SEEN


@pytest.mark.parametrize(
    ("row", "layer"),
    [
        ("data: rows 20 to 69", "part"),
        ("crop: startY", "y"),
        ("nailbed: off the middle", "y"),
    ],
)
def test_slices_one_place_further(row, layer):
    def break_it(graph):
        for name in (f"{layer}/integers", f"{layer}/integers.2"):  # the first place, and the end
            array = next(each for each in graph.initializer if each.name == name)
            array.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(array) + 1, name))

    assert onnx_difference(row, break_it) > SEEN


@pytest.mark.parametrize(
    ("row", "kind", "into"),
    [("relu", "Relu", "Abs"), ("eltmax", "Max", "Min"), ("logistic", "Sigmoid", "Tanh")],
)
def test_operators(row, kind, into):
    def break_it(graph):
        next(node for node in graph.node if node.op_type == kind).op_type = into

    assert onnx_difference(row, break_it) > SEEN


@pytest.mark.parametrize(
    ("row", "kind"), [("concat: one twice", "Concat"), ("drelu", "Sub"), ("pass", "Concat")]
)
def test_order_of_inputs(row, kind):
    def break_it(graph):
        node = next(node for node in graph.node if node.op_type == kind)
        given = list(node.input)
        node.input[:] = given[1:] + given[:1]

    assert onnx_difference(row, break_it) > SEEN


# -- PyTorch ---------------------------------------------------------------------------------------

TEXTS = [  # row, a part of the text, what it becomes
    ("conv: overhang past padding", "(1, 2, 1, 2)", "(2, 1, 2, 1)"),
    ("conv: groups", "self.y(x)", "self.y(x.flip(1))"),
    ("conv: randSparse", "x[:, self.y_channels]", "x"),
    ("conv: unshared biases", "+ self.y_bias", "+ self.y_bias.mT"),
    ("conv: two images", " + self.y_1(", " - self.y_1("),
    ("local: groups", "ngkp,pgfk->ngfp", "ngkp,pgfk->nfgp"),
    ("local: padding", "pads=(1, 2, 1, 2)", "pads=(2, 1, 2, 1)"),
    ("local", "+ self.y_bias", "+ self.y_bias.mT"),
    ("sfc", "npi,opi->npo", "npi,opi->nop"),
    ("treefc", "self.paths, self.bias", "1 - self.paths, self.bias"),
    ("pool: max, dense", "(1, 0, 1, 0)", "(0, 1, 0, 1)"),
    ("pool: avg, start", "sum_pool(inside, size, stride, pads)", "size**2"),
    ("pool: sum", "divisor_override=1", "divisor_override=9"),
    ("pool: maxabs, ties", ".flip(4)", ""),
    ("cmpool: start", "map_pool(x, 4, 3, 2, 0)", "map_pool(x, 4, 3, 0, 2)"),
    ("cmrnorm: odd", "alpha=2.5", "alpha=0.5"),
    ("cmrnorm: odd", "beta=0.75", "beta=0.5"),
    ("cmrnorm: odd", "k=1.5", "k=1.0"),
    ("cmrnorm: even", "(x, 4,", "(x, 5,"),
    ("cmrnorm: blocked", "repeat_interleave(size, 1)", "repeat(1, size, 1, 1)"),
    ("rnorm: even", "size // 2, size - 1 - size // 2", "size - 1 - size // 2, size // 2"),
    ("rnorm: odd", "scale * mean_square", "scale / size * mean_square"),
    ("cnorm: odd", "sum_pool(inside, size, stride, pads)", "size**2"),
    ("brelu", "clamp(max=0.8)", "clamp(max=0.4)"),
    ("drelu", "x - 0.7", "x - 0.6"),
    ("softrelu", "x > 4", "x > 20"),
    ("tanh", "1.79 *", "1.7 *"),
    ("tanh", "-0.66", "0.66"),
    ("linear", "+ 2.2", "+ 2.1"),
    ("log", "+ 0.4", "+ 0.5"),
    ("hs", "0.3 *", "0.7 *"),
    ("eltsum", "- 2.0 *", "+ 2.0 *"),
    ("softmax", ", 1)", ", 0)"),
    ("href", ".flip(3)", ".flip(2)"),
    ("crop: startY", "0:3, 2:5", "2:5, 0:3"),
    ("nailbed: off the middle", "1::4, 1::4", "2::4, 2::4"),
    ("blur", "-0.5 *", "-0.4 *"),
    ("resize: smaller", "(side - outputs * scale) / 2", "0"),
    ("rgb2yuv", "-0.33609", "0.33609"),
    ("rgb2lab", "116 *", "115 *"),
]


@pytest.mark.parametrize(("row", "old", "new"), TEXTS)
def test_texts(row, old, new, tmp_path):
    (text, arrays), inputs, expected = run_row(row, torch_module)
    assert old in text
    found = in_torch(text.replace(old, new), arrays, inputs, list(expected), tmp_path)
    assert max(each.relative for each in differences(expected, found).values()) > SEEN
