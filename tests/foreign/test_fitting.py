"""Layers of a file as layers of ours: every value in its place, or a reason."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from convnet import Net
from convnet.foreign.contents import ForeignLayer
from convnet.foreign.fitting import Misfit, plan
from convnet.foreign.targets import channel_offsets, targets_of
from convnet.graph.build import build
from convnet.language import Problems, Source, parse

DATA = "[data]\ntype=data\ndataIdx=0\n"
IMAGE = "channels=2\nimgSize=6\n"
RATES = "epsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n"
rng = np.random.default_rng(7)


def randn(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def conv(name, source, channels, filters, size=3, more=""):
    return (
        f"[{name}]\ntype=conv\ninputs={source}\nchannels={channels}\nfilters={filters}\n"
        f"filterSize={size}\ninitW=0.1\n{more}"
    )


def full(name, source, outputs):
    return f"[{name}]\ntype=fc\ninputs={source}\noutputs={outputs}\ninitW=0.1\n"


class Ours:
    """A network of layers over images of 2x6x6, and its layers as targets."""

    def __init__(self, *sections, image=IMAGE):
        read = ",".join(s.split("inputs=")[1].split("\n")[0] for s in sections).split(",")
        ends = [n for n in (s.split("]")[0][1:] for s in sections) if n not in read]
        costs = [f"[cost{n}]\ntype=cost.sum2\ninputs={n}\n" for n in ends]
        self.layers = DATA + image + "\n".join([*sections, *costs])
        names = [s.split("]")[0][1:] for s in sections if "type=conv" in s or "type=fc" in s]
        names += [s.split("]")[0][1:] for s in sections if "type=local" in s]
        self.params = "".join(f"[{name}]\n{RATES}" for name in names)
        self.params += "".join(f"[cost{name}]\ncoeff=1\n" for name in ends)
        problems, sources = Problems(), map(Source.from_text, (self.layers, self.params))
        files = [parse(source, problems) for source in sources]
        self.dims = {0: 72}
        self.graph = build(*files, problems, dialect="convnet", data_dims=self.dims)
        self.targets = {target.name: target for target in targets_of(self.graph)}

    def offsets(self, *parts):
        found = {}
        for names in parts:
            start = 0
            for name in names.split("+"):
                found[self.targets[name].node] = start
                start += self.targets[name].outputs
        return channel_offsets(self.graph, found)

    def plan(self, layer, names, *parts):
        return plan(layer, [self.targets[name] for name in names.split("+")], self.offsets(*parts))

    def computed(self, x, arrays, layer):
        net = Net.from_text(self.layers, self.params, data_dims=self.dims, minibatch=len(x),
                            dialect="convnet", dtype="float64")  # fmt: skip
        for name, array in arrays.items():
            net.network.write(net.network.parameters[name], array.astype(np.float64))
        net.forward(x)
        return net.activities(layer)


def check(found, expected):
    np.testing.assert_allclose(found.reshape(len(found), -1), expected.reshape(len(found), -1),
                               rtol=1e-5, atol=1e-5)  # fmt: skip


X = randn(4, 2, 6, 6)


def torch_conv(x, weights, biases, groups=1):
    arrays = (torch.from_numpy(np.float64(each)) for each in (x, weights, biases))
    found = functional.conv2d(*arrays, groups=groups)
    return found.numpy()


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_with_and_without_groups(groups):
    ours = Ours(conv("a", "data", 2, 4 // groups, more=f"groups={groups}\n"))
    w, b = randn(4, 2 // groups, 3, 3), randn(4)
    for told in (None, groups):
        fit = ours.plan(ForeignLayer("x", w, b, told), "a")
        check(ours.computed(X, fit.arrays(), "a"), torch_conv(X, w, b, groups))


def test_a_full_connection_after_an_image_in_both_orders():
    ours = Ours(full("a", "data", 3))
    w, b = randn(3, 2, 6, 6), randn(3)
    expected = X.reshape(4, -1) @ w.reshape(3, -1).T + b
    first = ForeignLayer("x", w.reshape(3, -1), b)
    last = ForeignLayer("x", w.transpose(0, 2, 3, 1).reshape(3, -1), b, channels_last=True)
    image = ForeignLayer("x", w, b)  # a convolution as large as the image
    for layer in (first, last, image):
        check(ours.computed(X, ours.plan(layer, "a").arrays(), "a"), expected)


def test_rows_and_columns_must_be_known_where_channels_come_last():
    layer = ForeignLayer("x", randn(3, 72), channels_last=True)
    with pytest.raises(Misfit, match="data does not tell the rows and columns"):
        Ours(full("a", "data", 3), image="").plan(layer, "a")
    joined = "[p]\ntype=pool\npool=max\ninputs=data\nchannels=2\nsizeX=2\nstride=2\n"
    joined += "[j]\ntype=concat\ninputs=data,p\n"
    layer = ForeignLayer("x", randn(3, 90), channels_last=True)
    relu = "[r]\ntype=neuron\nneuron=relu\ninputs=j\n"
    for sections, name in (((joined, full("a", "j", 3)), "j"),
                           ((joined, relu, full("a", "r", 3)), "r")):  # fmt: skip
        with pytest.raises(Misfit, match=f"{name} does not tell the rows and columns"):
            Ours(*sections).plan(layer, "a")
    flat = ForeignLayer("x", randn(2, 3), channels_last=True)
    assert Ours(full("a", "data", 3), full("b", "a", 2)).plan(flat, "b")


def test_a_full_connection_as_a_convolution():
    ours = Ours(conv("a", "data", 2, 3, 6))
    w, b = randn(3, 72), randn(3)
    fit = ours.plan(ForeignLayer("x", w, b), "a")
    check(ours.computed(X, fit.arrays(), "a"), X.reshape(4, -1) @ w.T + b)


def test_a_convolution_of_1x1_as_a_full_connection_and_the_reverse():
    ours = Ours(full("a", "data", 3), full("b", "a", 2))
    w, b = randn(2, 3), randn(2)
    for weights in (w, w.reshape(2, 3, 1, 1)):
        fit = ours.plan(ForeignLayer("x", weights, b), "b")
        np.testing.assert_array_equal(fit.arrays()["b.weights.0"], w)
    ours = Ours(conv("a", "data", 2, 3, 1))
    found = ours.plan(ForeignLayer("x", w.T[:3], None), "a").arrays()["a.weights.0"]
    np.testing.assert_array_equal(found[:, 0, 0].T, w.T[:3])


def test_a_layer_without_biases_gets_zeros():
    found = Ours(full("a", "data", 3)).plan(ForeignLayer("x", randn(3, 72)), "a").arrays()
    np.testing.assert_array_equal(found["a.biases"], np.zeros(3, np.float32))


def test_rows_can_be_turned():
    ours = Ours(conv("a", "data", 2, 3), full("b", "data", 3))
    w, b = randn(3, 2, 3, 3), randn(3)
    found = ours.plan(ForeignLayer("x", w, b), "a").arrays(upside_down=True)
    check(ours.computed(X, found, "a"), torch_conv(X[:, :, ::-1].copy(), w, b)[:, :, ::-1])
    w = randn(3, 72)
    found = ours.plan(ForeignLayer("x", w, b), "b").arrays(upside_down=True)
    check(ours.computed(X, found, "b"), X[:, :, ::-1].reshape(4, -1) @ w.T + b)


# Two towers: a convolution of each, one of both, and full connections that read them in any order.
TOWERS = (
    conv("c1a", "data", 2, 4), conv("c1b", "data", 2, 4),
    conv("c2a", "c1a", 4, 3, 2), conv("c2b", "c1b", 4, 3, 2),
    conv("c3a", "c2a,c2b", 3, 2, 2), conv("c3b", "c2b,c2a", 3, 2, 2),
    "[pa]\ntype=pool\npool=max\ninputs=c3a\nchannels=2\nsizeX=1\nstride=1\n",
    full("f4a", "pa,c3b", 5), full("f4b", "c3b,pa", 5),
    "[both]\ntype=concat\ninputs=f4a,f4b\n", full("f5", "both", 3),
    "[some]\ntype=concat\ninputs=f4b,f4a\n", full("f7", "both,some", 2), full("f6", "f4b,f4a", 2),
)  # fmt: skip
PARTS = ("c1a+c1b", "c2a+c2b", "c3a+c3b", "f4a+f4b")


def test_layers_in_two_towers_compute_what_the_whole_ones_do():
    ours = Ours(*TOWERS)
    w = [randn(8, 2, 3, 3), randn(6, 4, 2, 2), randn(4, 6, 2, 2), randn(10, 16), randn(3, 10)]
    b = [randn(len(each)) for each in w]
    arrays = {}
    for number, names in enumerate([*PARTS, "f5"]):
        layer = ForeignLayer(f"l{number}", w[number], b[number])
        arrays |= ours.plan(layer, names, *PARTS).arrays()
    last = randn(2, 10)
    arrays |= ours.plan(ForeignLayer("l", last, None), "f6", *PARTS).arrays()
    x = torch_conv(X, w[0], b[0])
    x = torch_conv(x, w[1], b[1], groups=2)
    x = torch_conv(x, w[2], b[2])
    x = x.reshape(4, -1) @ w[3].T + b[3]
    check(ours.computed(X, arrays, "f5"), x @ w[4].T + b[4])
    check(ours.computed(X, arrays, "f6"), x @ last.T)
    offsets = {node.name: start for node, start in ours.offsets(*PARTS).items()}
    assert (offsets["pa"], offsets["c3b"], offsets["f4b"], offsets["both"]) == (0, 2, 5, 0)
    assert "some" not in offsets and "f5" not in offsets


MISFITS = [
    (conv("a", "data", 2, 3), randn(4, 2, 3, 3), "it has 4 outputs, the network 3"),
    (conv("a", "data", 2, 3), randn(3, 3, 3, 3), "it reads 3 channels, the network 2"),
    (conv("a", "data", 2, 3), randn(3, 2, 3, 2), "its windows are 3x2, those of the network 3x3"),
    (conv("a", "data", 2, 3), randn(3, 19), "its 19 inputs are no channels of 3x3 values"),
    (full("a", "data", 3), randn(3, 71), "its 71 inputs are no channels of 6x6 values"),
    (full("a", "data", 3), randn(3, 36), "reads .* 2"),
    (conv("a", "data", 2, 4), randn(4, 1, 3, 3), "in more groups than those of a"),
    (conv("a", "data", 2, 2, more="groups=2\n"), randn(4, 2, 3, 3), "read 1 channels, .* 2"),
    (conv("a", "data", 2, 3, more="sharedBiases=0\n"), randn(3, 2, 3, 3), "bias for each output"),
    (conv("a", "data", 2, 3).replace("type=conv", "type=local"), randn(3, 2, 3, 3), "type local"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "weights", "reason"), MISFITS)
def test_what_does_not_fit_has_a_reason(section, weights, reason):
    with pytest.raises(Misfit, match=reason):
        Ours(section).plan(ForeignLayer("x", weights), "a")


def test_biases_of_another_number_do_not_fit():
    with pytest.raises(Misfit, match="it has 2 biases for 3 outputs"):
        Ours(full("a", "data", 3)).plan(ForeignLayer("x", randn(3, 72), randn(2)), "a")


def test_groups_that_the_file_states_must_be_those_of_the_network():
    with pytest.raises(Misfit, match="2 channels in each of 2 groups, the network 2"):
        Ours(conv("a", "data", 2, 4)).plan(ForeignLayer("x", randn(4, 2, 3, 3), groups=2), "a")


def test_towers_do_not_fit_what_is_not_theirs():
    ours = Ours(*TOWERS)
    whole = ForeignLayer("x", randn(6, 8, 2, 2))
    with pytest.raises(Misfit, match="filters of c2a read 4 channels, those of the file 8"):
        ours.plan(whole, "c2a+c2b", *PARTS)
    with pytest.raises(Misfit, match="which of its channels c3a reads from c2a is not known"):
        ours.plan(ForeignLayer("x", randn(2, 6, 2, 2)), "c3a")
    uneven = Ours(conv("a", "data", 2, 3), conv("b", "data", 2, 3), conv("c", "a,b", 3, 2, 2))
    with pytest.raises(Misfit, match="windows of several sizes"):
        plan(whole, [ours.targets["c1a"], ours.targets["c2a"]])
    with pytest.raises(Misfit, match="more groups than those of c"):
        uneven.plan(ForeignLayer("x", randn(2, 3, 2, 2)), "c", "a+b")


def test_shared_weights_are_their_owners():
    ours = Ours(conv("a", "data", 2, 3), conv("b", "data", 2, 3, more="weightSource=a\n"))
    with pytest.raises(Misfit, match="shares the weights of another layer"):
        ours.plan(ForeignLayer("x", randn(3, 2, 3, 3)), "b")
