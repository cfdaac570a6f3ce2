"""`convnet import` of Caffe's files: the probabilities of PyTorch on raw images.

Networks of an eighth of the published widths; tests.scripts.caffe_import has whole ones.
"""

import numpy as np
import pytest

from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from tests.support.caffe_nets import draw, in_torch, ours, write_caffemodel, write_mean
from tests.support.paths import ROOT
from tests.support.torch_nets import DIVIDED, NETS, narrow

CAFFE = [name for name in NETS if name != "alexnet-torchvision"]
SAME = 2e-6  # of a probability, in float32
CASES = 2


@pytest.fixture(params=CAFFE)
def case(request, tmp_path):
    """(network in PyTorch, layer file, parameter file, .caffemodel, raw images)."""
    name = request.param
    layers, params = tmp_path / "net.cfg", ROOT / f"params/{name}.params"
    layers.write_text(narrow((ROOT / f"layers/{name}.cfg").read_text()))
    graph = build(parse(Source.from_text(layers.read_text(), name), Problems()), None, Problems())
    names = [node.name for node in graph.declared() if node.layer.weights()]
    module = NETS[name](DIVIDED)
    generation = 1 if name.startswith(("cnn", "vgg", "nin")) else 2  # as they are published
    write_caffemodel(tmp_path / "net.caffemodel", names, draw(module), generation)
    side = graph.node("data").shape[1]
    pixels = np.random.default_rng(3).integers(0, 256, (CASES, 3, side, side), dtype=np.uint8)
    return module, layers, params, tmp_path / "net.caffemodel", pixels


def test_probabilities(case):
    module, layers, params, model, pixels = case
    expected = in_torch(module, pixels)
    assert 0.02 < expected.max() < 0.98
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    found = ours(model, layers, params, pixels, "--pixels", "caffe")
    assert np.abs(found - expected).max() < SAME


@pytest.mark.parametrize("case", ["caffenet", "cnn-f"], indirect=True)
def test_with_a_mean_image(case):
    module, layers, params, model, pixels = case
    mean = model.with_name("mean.binaryproto")
    write_mean(mean, 256)
    found = ours(model, layers, params, pixels, "--image-mean", mean)
    assert np.abs(found - in_torch(module, pixels)).max() < SAME
