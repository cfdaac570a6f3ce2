"""Folders of pictures on the command line: trained on, tested, resumed, looked at."""

import shutil

import numpy as np
import pytest
from PIL import Image

from convnet import checkpoint
from convnet.data import open_dataset
from convnet.data.datasets.feature_files import FeatureFolder
from convnet.stored import cache
from tests.support.command_line import good, run
from tests.support.picture_folders import CLASSES, write_classes, write_picture
from tests.support.training import same

LAYERS = """# a small net
[data]
type=data
dataIdx=0
imgSize=14
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels=3
filters=8
filterSize=3
stride=2
initW=0.05
neuron=relu
[scores]
type=fc
inputs=conv1
outputs=3
initW=0.05
[probs]
type=softmax
inputs=scores
[logprob]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.0001\nepsB=0.0001\nmomW=0.9\nmomB=0.9\nwc=0\n"
PARAMS = f"[conv1]\n{RATES}[scores]\n{RATES}[logprob]\ncoeff=1\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder: photos, the files of a small net, and checkpoints."""
    monkeypatch.chdir(tmp_path)
    write_classes(tmp_path / "photos", 12)
    (tmp_path / "a.cfg").write_text(LAYERS)
    (tmp_path / "a.params").write_text(PARAMS)
    return tmp_path


def train(*options):
    files = ["--layers", "a.cfg", "--params", "a.params", "--minibatch", 8, "--workers", 0]
    return good("train", *files, "--data", "photos", "--save", "run", *options)


def test_a_run_states_its_classes_split_and_size_and_stores_them(place):
    out = train("--epochs", 2).output
    assert "photos: 3 classes, in the order of their folders' names: ant, bee, cow" in out
    assert "photos: 33 training and 3 test pictures; held out for tests: 10 % of each class" in out
    assert "chosen by seed 0" in out and "used is the central 16x16" in out
    saved = checkpoint.load_newest("run").checkpoint
    dataset = open_dataset("photos", side=16)
    assert saved.class_names == CLASSES and (saved.input.side, saved.input.inner_size) == (16, 14)
    np.testing.assert_array_equal(saved.input.mean, dataset.mean_image())
    stored = {"digest": dataset.digest, "train": 33, "test": 3}
    assert saved.options["listing"] == stored
    assert not {path.suffix for path in (place / "photos").rglob("*.*")} - {".png"}


def test_a_resumed_run_is_that_without_a_pause(place):
    options = ["--size", 18, "--hold-out", 6, "--data-seed", 4]
    train(*options, "--epochs", 3)
    whole = checkpoint.load_newest("run").checkpoint.arrays
    shutil.rmtree("run")
    train(*options, "--epochs", 3, "--max-batches", 6)
    shutil.rmtree("cache")  # what was remembered is not needed
    out = good("train", "--resume", "run", "--workers", 2).output
    assert "chosen by seed 4" in out and "30 training and 6 test" in out and "18x18" in out
    assert "warning" not in out and "->" not in out
    assert same(checkpoint.load_newest("run").checkpoint.arrays, whole)


def test_a_folder_that_changed_is_said(place):
    train("--epochs", 1)
    write_picture(place / "photos" / "ant" / "new.png", 99)
    warning = "warning: photos has changed since the training (33 training and 3 test pictures then"
    assert warning in good("test", "--load", "run").output
    assert warning in good("train", "--resume", "run", "--epochs", 2).output
    shutil.copytree("photos", "others")
    assert warning not in good("test", "--load", "run", "--data", "others").output


def test_how_one_folder_was_split_does_not_apply_to_another(place):
    train("--epochs", 1, "--hold-out", 6, "--size", 18, "--data-seed", 3)
    write_classes(place / "others" / "train", 3)
    write_classes(place / "others" / "val", 2)
    out = good("test", "--load", "run", "--data", "others").output
    assert "others: 9 training and 6 test pictures; test pictures from a folder of their own" in out
    assert "used is the central 18x18" in out  # the size is the network's, as its record says


def test_other_commands(place):
    train("--epochs", 1, "--hold-out", 0.25)
    assert "9 test images" in good("test", "--load", "run", "--multiview").output
    good("show-preds", "--load", "run", "--out", "p.png", "--count", 4)
    with Image.open("p.png") as picture:
        assert picture.width > 100
    features = ["--write-features", "conv1", "--split", "both", "--feature-path", "f"]
    good("test", "--load", "run", *features)
    assert FeatureFolder("f").dataset["hold_out"] == 0.25
    good("neighbors", "--features", "f", "--out", "n.png", "--count", 2)
    dry = good("train", "--layers", "a.cfg", "--params", "a.params", "--data", "photos",
               "--dry-run")  # fmt: skip
    assert "dry run: a training and a test minibatch done" in dry.output
    files = ["--layers", "a.cfg", "--params", "a.params", "--data", "photos"]
    assert "3x14x14" in good("describe", *files).output
    assert "all gradients agree" in good("check-grads", *files).output


@pytest.mark.parametrize(
    ("options", "size"),
    [([], 16), (["--crop-border", 5], 24), (["--inner-size", 0], 14), (["--size", 20], 20)],
)
def test_the_size_that_the_net_needs(place, options, size):
    if options[:1] == ["--size"]:
        options = [*options, "--crop-border", 3]
    train(*options, "--dry-run")
    out = train(*options, "--dry-run").output
    assert f"used is the central {size}x{size}" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--size", 10],
            "photos has images of 10x10, the network expects 14x14: --size brings the",
        ),
        (["--data", "digits", "--size", 10], "--size 10: digits has images of 8x8; choose a data"),
        (["--data", "digits", "--hold-out", 0.5], "digits: has test images of its own; --hold-out"),
        (["--train-range", "1-2"], "photos: its training and test sets are fixed"),
        (["--data", "digits"], "digits has images of 1 channels, but a.cfg declares 3"),
    ],
)
def test_what_does_not_fit(place, options, message):
    files = ["--layers", "a.cfg", "--params", "a.params", "--data", "photos"]
    found = run("train", *files, "--dry-run", *options)
    assert found.exit_code == 1 and message in found.output, found.output
    assert not (place / "cache").exists()  # no picture was read in vain


@pytest.mark.parametrize("wanted", ["0", "-1", "1.5", "nan", "x"])
def test_impossible_shares_are_misuse(place, wanted):
    found = run("train", "--layers", "a.cfg", "--data", "photos", "--hold-out", wanted)
    assert found.exit_code == 2 and "expected a" in found.output


# -- the classes of the data -----------------------------------------------------------------------


@pytest.fixture
def five(place):
    write_classes(place / "photos", 12, ["dog", "elk"])
    return place


def test_a_net_is_fitted_to_the_classes_and_stored_as_it_ran(five):
    options = ["--layers", "a.cfg", "--params", "a.params", "--data", "photos"]
    refused = run("train", *options, "--dry-run")
    assert refused.exit_code == 1 and "train with --classes-from-data" in refused.output
    assert "--classes-from-data: scores: outputs 3 -> 5" in train("--classes-from-data").output
    saved = checkpoint.load_newest("run").checkpoint
    assert saved.layers.text == LAYERS.replace("outputs=3", "outputs=5")
    assert saved.params.text == PARAMS and len(saved.class_names) == 5
    assert "5 classes, 3x16x16" in good("test", "--load", "run").output
    # The same command for a scheduler's second start, with the file as it is on disk.
    again = train("--classes-from-data", "--resume-or-start", "--epochs", 51)
    assert "resuming from run" in again.output and "outputs" not in again.output
    other = run("train", "--resume", "run", "--layers", "a.cfg")
    assert other.exit_code == 1 and "is not the layer file that the checkpoint" in other.output


def test_commands_that_need_no_data_take_its_classes(five):
    files = ["--layers", "a.cfg", "--params", "a.params"]
    fitted = good("describe", *files, "--data", "photos", "--classes-from-data").output
    assert "scores: outputs 3 -> 5" in fitted
    assert run("describe", *files, "--classes-from-data").exit_code == 2
    assert run("describe", *files, "--data", "photos", "--classes", 5).exit_code == 2
    assert run("check", "a.cfg", "a.params", "--data", "photos").exit_code == 1
