"""The shipped networks of other authors: parameters and sizes of the layers, as published."""

import pytest
import torch

from convnet.graph.build import build
from convnet.language.specs import RunDefaults, Specs
from tests.support.paths import ROOT
from tests.support.torch_nets import NETS

# In all, and of each layer.  The sums of the layers are what the definitions of NETS give (below).
PARAMETERS = {
    # "num_params" of AlexNet_Weights and VGG16_Weights in torchvision/models.
    "alexnet-torchvision": 61_100_840,
    "vgg-16": 138_357_544,  # the paper's Table 2: 138 million
    # As many as AlexNet, of whose layers CaffeNet changes only the order.
    "caffenet": 60_965_224,
    "alexnet-caffe": 60_965_224,
    # From the layers of the published train_val.prototxt; its readme states 29 MB (4 bytes each).
    "nin-imagenet": 7_595_176,
    # From Table 1 of Chatfield et al. (2014) and the released VGG_CNN_?_deploy.prototxt.
    "cnn-f": 60_834_536,
    "cnn-m": 102_908_520,
    "cnn-s": 102_908_520,
}
_ALEXNET = {"conv1": (96, 55), "pool1": (96, 27), "conv2": (256, 27), "pool2": (256, 13)}
_ALEXNET |= {"conv3": (384, 13), "conv4": (384, 13), "conv5": (256, 13), "pool5": (256, 6)}
_VGG = {"fc6": (4096, 1), "fc7": (4096, 1), "fc8": (1000, 1)}
# (maps, side) of the layers' outputs.
SIDES = {
    # torchvision/models/alexnet.py; 6x6 is what its average pooling is set to.
    "alexnet-torchvision": {
        **{"conv1": (64, 55), "pool1": (64, 27), "conv2": (192, 27), "pool2": (192, 13)},
        **{"conv3": (384, 13), "conv4": (256, 13), "conv5": (256, 13), "pool5": (256, 6)},
        **_VGG,
    },
    # Krizhevsky et al. (2012), Figure 2: 55, 27, 13 and 4096; Caffe's logs print the same shapes.
    "caffenet": {**_ALEXNET, "norm1": (96, 27), "norm2": (256, 13), **_VGG},
    "alexnet-caffe": {**_ALEXNET, "norm1": (96, 55), "norm2": (256, 27), **_VGG},
    # train_val.prototxt, by Caffe's rule: 54 = floor((224 - 11)/4) + 1, 27 = ceil((54 - 3)/2) + 1;
    # pool4 averages all of its 6x6 pixels.
    "nin-imagenet": {
        **{"conv1": (96, 54), "cccp2": (96, 54), "pool0": (96, 27), "cccp4": (256, 27)},
        **{"pool2": (256, 13), "cccp6": (384, 13), "pool3": (384, 6), "conv4-1024": (1024, 6)},
        **{"cccp8-1024": (1000, 6), "pool4": (1000, 1)},
    },
    # By Caffe's rule from the released prototxt files; in MatConvNet's imagenet-vgg-f, -m and -s
    # the filters of fc6 are 6x6 too.
    "cnn-f": {
        **{"conv1": (64, 54), "pool1": (64, 27), "conv2": (256, 27), "pool2": (256, 13)},
        **{"conv3": (256, 13), "conv4": (256, 13), "conv5": (256, 13), "pool5": (256, 6), **_VGG},
    },
    "cnn-m": {
        **{"conv1": (96, 109), "pool1": (96, 54), "conv2": (256, 26), "pool2": (256, 13)},
        **{"conv3": (512, 13), "conv4": (512, 13), "conv5": (512, 13), "pool5": (512, 6), **_VGG},
    },
    "cnn-s": {
        **{"conv1": (96, 109), "pool1": (96, 37), "conv2": (256, 33), "pool2": (256, 17)},
        **{"conv3": (512, 17), "conv4": (512, 17), "conv5": (512, 17), "pool5": (512, 6), **_VGG},
    },
    # Simonyan and Zisserman (2015), section 2.1: five poolings of 2x2, which halve 224 each time.
    "vgg-16": {
        **{"conv1_2": (64, 224), "pool1": (64, 112), "conv2_2": (128, 112), "pool2": (128, 56)},
        **{"conv3_3": (256, 56), "pool3": (256, 28), "conv4_3": (512, 28), "pool4": (512, 14)},
        **{"conv5_3": (512, 14), "pool5": (512, 7), **_VGG},
    },
}
# crop_size and input_dim of Caffe's prototxt files; torchvision's transforms; the VGG papers.
PIXELS = dict.fromkeys(NETS, 224) | {"caffenet": 227, "alexnet-caffe": 227}
# (alpha, k, beta) as Caffe has them, alpha divided by the window of 5; none in the other networks.
NORMS = {
    **dict.fromkeys(("caffenet", "alexnet-caffe"), (1e-4 / 5, 1, 0.75)),
    **dict.fromkeys(("cnn-f", "cnn-m", "cnn-s"), (5e-4 / 5, 2, 0.75)),
}


@pytest.fixture(params=NETS)
def name(request):
    return request.param


@pytest.fixture
def graph(name):
    specs = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    return build(specs.layers, specs.params, specs.problems)


def parameters_of(node):
    return sum(array.size for array in [*node.layer.weights(), node.layer.biases()])


def weighted(graph):
    return [node for node in graph.declared() if node.layer.weights()]


def test_parameters(name, graph):
    assert sum(map(parameters_of, weighted(graph))) == PARAMETERS[name]
    with torch.device("meta"):
        published = NETS[name]()
    layers = [m for m in published if hasattr(m, "weight")]
    theirs = [m.weight.numel() + m.bias.numel() for m in layers]
    assert list(map(parameters_of, weighted(graph))) == theirs


def test_the_header_states_the_parameters_of_each_layer(name, graph):
    header = (ROOT / f"layers/{name}.cfg").read_text().split("\n\n")[0].replace("\n# ", " ")
    assert f"{PARAMETERS[name]:,} parameters" in header
    for node in weighted(graph):
        assert f"{parameters_of(node):,}" in header


def test_output_sizes(name, graph):
    for layer, (maps, side) in SIDES[name].items():
        assert tuple(graph.node(layer).shape) == (maps, side, side), layer


def test_sizes_are_those_of_the_published_definition(name, graph):
    with torch.device("meta"):
        shapes, values = [], torch.empty(1, 3, PIXELS[name], PIXELS[name])
        for module in NETS[name]():
            values = module(values)
            if hasattr(module, "weight") or "Pool2d" in type(module).__name__:
                shapes.append(tuple(values.shape[1:]))
    if name == "alexnet-torchvision":
        shapes.pop(8)  # the averages of one pixel each
    layers = [n for n in graph.declared() if n.layer.type_name in ("conv", "pool", "fc")]
    assert [tuple(n.shape) for n in layers] == [(*shape, 1, 1)[:3] for shape in shapes]


def test_images_have_the_published_size(name, graph):
    assert tuple(graph.node("data").shape) == (3, PIXELS[name], PIXELS[name])


def test_normalization(name, graph):
    norms = [node.layer for node in graph.declared() if node.layer.type_name == "cmrnorm"]
    assert bool(norms) == (name in NORMS)
    for norm in norms:
        alpha, k, beta = NORMS[name]
        assert norm.effective_scale == pytest.approx(alpha)
        assert (norm.size, norm.k, norm.pow) == (5, k, beta)


@pytest.mark.parametrize(
    ("name", "order"), [("caffenet", "conv1 pool1 norm1"), ("alexnet-caffe", "conv1 norm1 pool1")]
)
def test_order_of_pooling_and_normalization(name, graph, order):
    names = [node.name for node in graph.declared()]
    assert names[2:5] == order.split()


# (rate of weights, of biases) at parts of the run in the middle of the plateaus; the decay.
RATES = {
    # lr 0.01, step 30 of 90 epochs, gamma 0.1: torchvision's references/classification.
    "alexnet-torchvision": ({1 / 6: (1e-2, 1e-2), 1 / 2: (1e-3, 1e-3), 5 / 6: (1e-4, 1e-4)}, 1e-4),
    # base_lr 0.01, stepsize 100,000, gamma 0.1, lr_mult 2 of biases: Caffe's solver.prototxt.
    **dict.fromkeys(
        ("caffenet", "alexnet-caffe"),
        ({0.1: (1e-2, 2e-2), 0.3: (1e-3, 2e-3), 0.5: (1e-4, 2e-4), 0.9: (1e-6, 2e-6)}, 5e-4),
    ),
    # base_lr 0.01, stepsize 200,000, gamma 0.1: nin_imagenet/solver.prototxt.
    "nin-imagenet": ({1 / 6: (1e-2, 2e-2), 1 / 2: (1e-3, 2e-3), 5 / 6: (1e-4, 2e-4)}, 5e-4),
    # Constant until the user divides them.
    **dict.fromkeys(("cnn-f", "cnn-m", "cnn-s", "vgg-16"), ({0.1: (1e-2, 1e-2)}, 5e-4)),
}


def test_learning(name, graph):
    at, decay = RATES[name]
    for layer in (node.layer for node in weighted(graph)):
        for progress, (weights, biases) in at.items():
            assert layer.rates_w[0].rate(progress) == pytest.approx(weights)
            assert layer.rate_b.rate(progress) == pytest.approx(biases)
        assert (layer.mom_w[0], layer.mom_b, layer.wc[0]) == (0.9, 0.9, decay)


@pytest.mark.parametrize(("name", "step"), [("caffenet", 100_000), ("nin-imagenet", 200_000)])
def test_plateaus_are_as_long_as_the_published_steps(name, step):
    specs = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    run = RunDefaults(specs.params, specs.problems)
    plateaus = {"caffenet": 5, "nin-imagenet": 3}[name]
    minibatches = run.epochs / plateaus * 1_281_167 / run.minibatch
    assert minibatches == pytest.approx(step, rel=2e-3)
