"""Nets on a tree of labels trained from data: the folder's tree, a made-up one, the stored one."""

import json

import numpy as np
import pytest

import convnet
from convnet import checkpoint
from convnet.data import open_dataset
from convnet.errors import CheckpointError, DataError
from convnet.graph.checkpoint_facts import stored_facts
from convnet.layers import Tree
from convnet.train.untie import untie
from tests.support.command_line import good, run
from tests.support.python2_pickle import python2_pickle

CHILDREN = {0: [], 1: [], 2: [], 3: [0, 2], 4: [3, 1]}
TREE = Tree({label: tuple(below) for label, below in CHILDREN.items()}, 4)
LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[one]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
padding=1
initW=0.1
sharedBiases=1
neuron=tanh[1,1]
[top]
type=treefc
inputs=one
initW=0.1
[probs]
type=softmax
inputs=top
[logprob]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.01\nepsB=0.01\nmomW=0.9\nmomB=0.9\nwc=0.001\n"
PARAMS = f"[one]\n{RATES}[top]\n{RATES}[logprob]\ncoeff=1\n"


def write_folder(folder, **meta):
    folder.mkdir()
    random = np.random.default_rng(5)
    for n in (1, 2):
        pixels = random.integers(0, 256, (48, 8), np.uint8)
        batch = {"data": pixels, "labels": (np.arange(8) % 3).tolist()}
        (folder / f"data_batch_{n}").write_bytes(python2_pickle(batch, 2))
    meta = {"label_names": [b"a", b"b", b"c"], "num_vis": 48, **meta}
    (folder / "batches.meta").write_bytes(python2_pickle(meta, 2))
    return folder


def with_tree(folder, tree=CHILDREN, wnids=None):
    return write_folder(folder, tree=tree, all_wnids={"gproot": 4} if wnids is None else wnids)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Both spec files, as options; runs are saved beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVNET_DATA", raising=False)
    (tmp_path / "tree.cfg").write_text(LAYERS)
    (tmp_path / "tree.params").write_text(PARAMS)
    return "--layers", "tree.cfg", "--params", "tree.params", "--minibatch", "4"


def newest(run):
    return checkpoint.load(checkpoint.newest(run))


def test_a_folders_tree(tmp_path):
    children = {3: (0, 2), 4: (3, 1)}
    assert Tree(*open_dataset(with_tree(tmp_path / "all")).tree) == TREE
    inner = with_tree(tmp_path / "inner", {label: list(children[label]) for label in (3, 4)})
    assert open_dataset(inner).tree == (children, 4)
    listed = [np.array([0, 2]) if label == 3 else CHILDREN[label] for label in range(5)]
    assert Tree(*open_dataset(with_tree(tmp_path / "listed", listed)).tree) == TREE
    assert open_dataset(write_folder(tmp_path / "none")).tree is None
    assert open_dataset("digits").tree is None


@pytest.mark.parametrize(
    ("tree", "wnids", "words"),
    [
        (b"x", None, "its tree is not a dictionary"),
        (CHILDREN, {}, "no root, which is 'gproot'"),
        (CHILDREN, [4], "no root, which is 'gproot'"),
        (CHILDREN, {"gproot": b"n1"}, "a label that is not an integer"),
        ({"n1": [0]}, None, "a label that is not an integer"),
        ({3: [0, -1]}, None, "a label that is not an integer"),
        ({3: [[0]]}, None, "a label that is not an integer"),
        ({3: [0.5]}, None, "a label that is not an integer"),
        ({3: [True]}, None, "a label that is not an integer"),
        ({3: 2}, None, "whose children are not a list"),
        ({3: [0, 1], 4: [3, 1]}, None, "label 1 below two labels"),
    ],
)
def test_bad_trees_are_named(tmp_path, tree, wnids, words):
    dataset = open_dataset(with_tree(tmp_path / "d", tree, wnids))  # other nets may train on it
    with pytest.raises(DataError, match=f"batches.meta: .*{words}"):
        _ = dataset.tree


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({3: [0, 2, 4], 4: [3, 1]}, "d: its tree of labels is no tree: label 4 is the root"),
        ({3: [0, 2], 4: [1]}, "is no tree: label 0 is not below the root"),
        ({1 << 30: [0], 4: [1 << 30]}, "is no tree: label 1 is missing"),
        ({4: [0, 1, 2, 3]}, "has 4 leaves, but there are 3 classes"),
    ],
)
def test_trees_that_do_not_fit_stop_the_run(tmp_path, files, tree, words):
    with_tree(tmp_path / "d", tree)
    result = run("train", *files, "--data", "d")
    assert result.exit_code != 0 and words in result.output


def test_train_resume_and_test_with_a_folders_tree(tmp_path, files):
    with_tree(tmp_path / "d")
    asked = "--epochs", "2", "--device", "cpu"
    result = good("train", *files, *asked, "--data", "d", "--save", "whole")
    assert "made-up" not in result.output
    good("train", *files, *asked, "--data", "d", "--save", "run", "--max-batches", "2")
    saved = newest("run")
    assert saved.position.step == 2
    assert stored_facts(saved.options)["tree"] == TREE
    weights = saved.arrays["top.weights.0"]
    assert weights.shape == (5, 64) and weights[3:].any(axis=1).all()

    (tmp_path / "d").rename(tmp_path / "old")
    write_folder(tmp_path / "d")  # the same cases, without the tree: the stored one is used
    result = good("train", "--resume", "run")
    assert "made-up" not in result.output
    resumed, whole = newest("run"), newest("whole")
    assert resumed.position == whole.position and resumed.position.step == 4
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array, err_msg=name)
    assert resumed.options["tree"] == whole.options["tree"] == saved.options["tree"]

    (row,) = json.loads(good("test", "--load", "run", "--json").stdout)["tests"]
    assert row["cases"] == 8
    good("show-filters", "--load", "run", "--layer", "one", "--out", "filters.png")
    good("show-preds", "--load", "run", "--out", "preds.png")


def test_data_without_a_tree_gets_a_made_up_one(files):
    asked = "--data", "synthetic:12x3x8x8", "--max-batches", "2", "--device", "cpu"
    result = good("train", *files, *asked, "--save", "run")
    words = "12 classes below 10 inner labels; synthetic:12x3x8x8 has none"
    assert words in result.output
    tree = stored_facts(newest("run").options)["tree"]
    assert (tree.classes, tree.size) == (12, 23)
    result = good("train", "--resume", "run", "--max-batches", "1")
    assert "made-up" not in result.output and stored_facts(newest("run").options)["tree"] == tree
    other = run("test", "--load", "run", "--data", "synthetic:5x3x8x8")
    assert other.exit_code != 0 and "12 leaves, the data 5 classes" in other.output
    shapes = good("test", "--load", "run", "--data", "shapes", "--inner-size", "8", "--json",
                  "--max-batches", "1")  # fmt: skip
    assert json.loads(shapes.stdout)["tests"][0]["cases"] == 4


def test_nets_and_untied_checkpoints_keep_the_tree(tmp_path):
    net = convnet.Net.from_text(
        LAYERS, PARAMS, tree=TREE, classes=3, data_dims={0: 48, 1: 1}, minibatch=4
    )
    images, labels = np.random.default_rng(1).normal(size=(4, 3, 4, 4)), [0, 1, 2, 0]
    for _ in range(2):
        net.train(images, labels)
    net.save(tmp_path / "net.safetensors")
    again = convnet.Net.load(tmp_path / "net.safetensors")
    assert again.graph.tree == TREE
    assert again.forward(images, labels) == net.forward(images, labels)
    untied, lines = untie(checkpoint.load(tmp_path / "net.safetensors"), to_local=["one"])
    assert lines and stored_facts(untied.options)["tree"] == TREE


@pytest.mark.parametrize(
    "stored",
    [3, {}, {"root": 2}, {"root": 2, "children": [1]}, {"root": [2], "children": {"2": [0, 1]}},
     {"root": 2, "children": {"2": 0}}, {"root": 2, "children": {"2": [0, 0]}},
     {"root": 2, "children": {"x": [0, 1]}}, {"root": 2, "children": {"2": [[0], 1]}}],
)  # fmt: skip
def test_a_stored_tree_that_is_damaged(stored):
    with pytest.raises(CheckpointError, match="its tree of labels is not valid"):
        stored_facts({"tree": stored})
