"""Whole networks, exported; `python -m tests.scripts.export_table` has all shipped ones."""

import json

import numpy as np
import pytest

from convnet import nets
from convnet.backends.cpu.engine import Engine
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from tests.scripts.corpus_table import graph_of, name_of
from tests.scripts.export_table import random_data
from tests.support.exported import LIMIT, compare, compared_layers, draw_weights, sensitive
from tests.support.paths import CORPUS

PATH = CORPUS / "expected.jsonl"
PAIRS = PATH.read_text(encoding="utf-8").splitlines() if PATH.exists() else []
SMALL = [pair for pair in map(json.loads, PAIRS) if pair["img_size"] <= 32]
FIRST = ["digits", "cifar10", "cifar10-norm", "figure1-relu", "figure1-tanh", "codes-small"]
CASES = 8


def check(graph, folder):
    below, softmaxes = compared_layers(graph)
    sensitive(graph)
    network = Network(graph, CASES, Engine(np.float32))
    data = random_data(graph, CASES)
    draw_weights(network, data)
    network.load(data)
    network.run("test")
    for found in compare(network, data, (*below, *softmaxes), folder):
        assert max(found[name].relative for name in below) <= LIMIT
        assert max([found[name].largest for name in softmaxes], default=0) <= LIMIT
    for name in softmaxes:
        assert network.output(name).max() < 0.999  # else the probabilities would not tell


@pytest.mark.parametrize("name", FIRST)
def test_shipped_nets(name, tmp_path):
    net = nets.find(nets.Path(name))
    specs = Specs.read(net.layers, net.params)
    check(build(specs.layers, specs.params, specs.problems), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("pair", SMALL, ids=name_of)
def test_published_pairs_of_small_images(pair, tmp_path):
    check(graph_of(pair), tmp_path)
