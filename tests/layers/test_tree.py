"""Trees of labels, made-up ones, and what a treefc layer takes from them."""

import numpy as np
import pytest

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.graph.infer_inputs import placeholder_tree
from convnet.language import Problems, Source, parse
from convnet.layers import Tree
from convnet.network.initialize import initial_values
from tests.support.cases import TREE
from tests.support.rows import Row, graph_of, network_of, texts

ROW = Row("treefc", "y type=treefc inputs=x", tree=TREE)


@pytest.mark.parametrize(
    "children, root, words",
    [
        ({2: (0, 1, 0)}, 2, "label 0 has a parent"),
        ({3: (0, 2), 2: (0, 1)}, 3, "label 0 has a parent"),
        ({2: (0, 1), 0: (2,)}, 2, "label 2 is the root"),
        ({2: (0,), 3: (1,)}, 2, "label 1 is not below the root, label 2"),
        ({4: (0, 1)}, 4, "label 2 is missing"),
        ({0: (1, 2)}, 0, "label 0 has labels below it, so it is no class"),
        ({2: (0, -1)}, 2, "integers from 0"),
    ],
)
def test_what_is_no_tree(children, root, words):
    with pytest.raises(ValueError, match=words):
        Tree(children, root)


def test_parents_leaves_and_order():
    assert TREE.parents() == (6, 6, 7, 7, 8, 8, 7, 8, -1)
    assert TREE.leaves() == (1, 1, 1, 1, 1, 1, 2, 4, 6)
    place = {label: i for i, label in enumerate(TREE.order)}
    assert all(place[parent] < place[i] for i, parent in enumerate(TREE.parents()) if parent >= 0)
    assert (TREE.size, TREE.classes) == (9, 6)


@pytest.mark.parametrize("classes", [1, 3, 10, 37])
def test_made_up_tree(classes):
    layers = parse(Source.from_text("[y]\ntype=treefc\n"), Problems())
    tree, note = placeholder_tree(layers, classes)
    assert tree.classes == classes and tree.size == classes + min(classes, 10) + 1
    assert note.startswith("assuming a tree of labels")
    assert placeholder_tree(parse(Source.from_text("[y]\ntype=fc\n"), Problems()), 5) == (None, "")


def test_only_the_classes_start_at_random():
    net = network_of(ROW)
    values = initial_values(net.parameters["y.weights.0"], 3)
    assert values.shape == (9, 100) and (values[:6] != 0).all() and (values[6:] == 0).all()


def test_the_tree_must_have_the_datas_classes():
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in texts(ROW)]
    with pytest.raises(SpecError, match="the tree has 6 leaves, the data 7 classes"):
        build(*files, problems, data_dims=ROW.data_dims(), classes=7, tree=TREE)


def test_keys_without_effect_are_told():
    row = Row("keys", ROW.layers, "y wball=0.1 schedW=linear[tgtFactor=10] superEps=3", tree=TREE)
    graph = graph_of(*texts(row), row.data_dims(), TREE)
    told = [w.message for w in graph.warnings]
    for key in ("wball", "schedW", "superEps"):
        assert any(f"{key} has no effect on weights of a tree" in text for text in told)
    assert graph.node("y").layer.rates_w[0].kind == "const"
    net = network_of(row)
    assert not net.parameters["y.weights.0"].moments and net.parameters["y.biases"].moments
    assert not any(s.operation == "update.weight_ball" for s in net.plan.programs["train"])
    before = np.linalg.norm(net.read(net.parameters["y.weights.0"]), axis=1)
    net.set_rates(0.5)
    net.run("train")
    assert (np.linalg.norm(net.read(net.parameters["y.weights.0"]), axis=1) > 0.1 * before).all()
