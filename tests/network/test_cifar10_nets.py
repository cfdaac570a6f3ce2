"""The shipped nets that stand for cuda-convnet's have the sizes and numbers of its files."""

import pytest

from convnet.graph.build import build
from convnet.language.specs import Specs
from tests.support.paths import CORPUS, ROOT

# name -> file of the originals, side of the images
THEIRS = {
    "cifar10-quick": ("cc1/example-layers/{}80sec.cfg", 32),
    "cifar10-rnorm": ("cc1/example-layers/{}18pct.cfg", 32),
    "cifar10-local": ("chm/example-layers/{}conv-local-13pct.cfg", 24),
    "cifar10-local-norm": ("cc1/example-layers/{}conv-local-11pct.cfg", 24),
}
KEYS = (
    "filters", "filter_size", "padding", "stride", "init_w", "init_b", "mom_w", "mom_b", "wc",
    "eps_b", "size", "scale", "pow", "min_div", "size_x", "start", "pool", "sum", "coeff",
)  # fmt: skip


def graph_of(layers, params, side):
    specs = Specs.read(layers, params)
    dims = {0: 3 * side * side, 1: 1, 2: 10}
    graph = build(specs.layers, specs.params, specs.problems, data_dims=dims, classes=10)
    specs.problems.raise_errors()
    return graph


def facts(graph):
    """What the layers compute and learn with.  A relu may stand before max pooling or after it."""
    return [
        (node.layer.type_name, tuple(node.shape), rates_of(node.layer))
        + tuple(getattr(node.layer, key) for key in KEYS if hasattr(node.layer, key))
        for node in graph.nodes
        if not node.is_data and node.layer.type_name != "neuron"
    ]


def rates_of(layer):
    return [rate.base for rate in getattr(layer, "rates_w", ())]


def relus(graph):
    nodes = [node.layer for node in graph.nodes if node.layer.type_name == "neuron"]
    return sum(layer.nonlinearity.kind == "relu" for layer in nodes)


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of published files at {CORPUS}")
@pytest.mark.parametrize("name", THEIRS)
def test_the_sizes_and_numbers_are_those_of_the_originals(name):
    path, side = THEIRS[name]
    mine = graph_of(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params", side)
    layers, params = (CORPUS / path.format(kind) for kind in ("layers-", "layer-params-"))
    theirs = graph_of(layers, params, side)
    assert facts(mine) == facts(theirs)
    assert relus(mine) == relus(theirs)
