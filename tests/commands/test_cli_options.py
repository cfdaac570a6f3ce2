"""The counterparts of the original systems' options, as a user types them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnet import Net, checkpoint
from convnet.data import open_dataset
from convnet.data.datasets.feature_files import FeatureFolder
from tests.support.command_line import DIGITS, ROOT, good, run


def arrays(path):
    with np.load(path, allow_pickle=False) as found:
        return dict(found)


def test_predictions_are_written(inside, tmp_path):
    facts = json.loads(good("test", "--multiview", "--logreg-name", "logprob", "--test-out",
                            tmp_path / "out", "--json").stdout)  # fmt: skip
    with np.load(tmp_path / "out/test_preds.npz", allow_pickle=False) as found:
        probabilities, labels = found["probabilities"], found["labels"]
    assert probabilities.shape == (296, 10) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    errors = (probabilities.argmax(axis=1) != labels).mean()
    assert errors == pytest.approx(facts["tests"][1]["top1_error"])
    meta = json.loads((tmp_path / "out/test_preds.json").read_text())
    assert meta["views"] == 10 and meta["label_names"] == list("0123456789")


def test_the_cost_that_is_tested_must_exist(inside):
    result = run("test", "--logreg-name", "probs")
    assert result.exit_code == 1
    assert "logprob" in result.output


def test_features_are_written(inside, tmp_path):
    out = tmp_path / "features"
    good("test", "--write-features", "probs", "--feature-path", out, "--minibatch", "100")
    good("test", "--test-out", tmp_path)
    found = FeatureFolder(out)
    assert found.cases == {"test": 296} and found.values == 10 and found.layers == ("probs",)
    predictions = arrays(tmp_path / "test_preds.npz")
    np.testing.assert_allclose(found.matrix("test"), predictions["probabilities"], atol=1e-5)
    assert np.array_equal(found.labels("test"), predictions["labels"])
    assert np.array_equal(found.indices("test"), np.arange(296))
    result = run("test", "--write-features", "fc3", "--feature-path", out)
    assert result.exit_code == 1 and "holds features already" in result.output


def test_features_of_training_images_are_in_order_and_not_augmented(inside, tmp_path):
    """From both splits; a part of the minibatches leaves out cases, which `indices` tells."""
    good("test", "--write-features", "conv1", "--feature-path", tmp_path, "--split", "both",
         "--max-batches", "2", "--minibatch", "64")  # fmt: skip
    found = FeatureFolder(tmp_path)
    assert found.cases == {"train": 128, "test": 128}
    dataset = open_dataset(**found.dataset)
    for split in ("train", "test"):
        indices = found.indices(split)
        assert indices[:3].tolist() == [0, 1, 2] and indices[64] > 64
        assert np.array_equal(found.labels(split), dataset.labels(split, indices))
        pixels = dataset.images(split, indices) - dataset.mean_image()
        net = Net.load("checkpoints", minibatch=128)
        net.forward(pixels, found.labels(split))
        expected = net.activities("conv1").reshape(128, -1)  # channels, rows, columns
        np.testing.assert_allclose(found.matrix(split), expected, atol=1e-6)


def test_features_need_a_layer_and_a_folder(inside, tmp_path):
    assert run("test", "--write-features", "probs").exit_code == 2
    assert run("test", "--split", "train").exit_code == 2
    result = run("test", "--write-features", "prob", "--feature-path", tmp_path)
    assert result.exit_code == 1
    assert "did you mean 'probs'" in result.output


def test_a_conv_layer_becomes_local_in_a_run_of_its_own(inside):
    before = set(Path("checkpoints").iterdir())
    result = good("train", "--resume", "checkpoints", "--conv-to-local", "conv1",
                  "--max-batches", "1")  # fmt: skip
    assert "conv1 is now local: 64 sets of filters" in result.stderr
    (new,) = set(Path("checkpoints").iterdir()) - before
    assert "type=local" in checkpoint.load(checkpoint.newest(new)).layers.text
    assert good("test", "--load", new, "--max-batches", "1")
    shutil.rmtree(new)


def test_conv_to_local_needs_a_run():
    result = run("train", *DIGITS, "--conv-to-local", "conv1")
    assert result.exit_code == 2
    assert "--resume" in result.output


def test_updates_after_several_minibatches(tmp_path):
    """Two minibatches of half the size make one update; a third waits, also in the checkpoint."""
    params = tmp_path / "all.params"  # dropout differs from minibatch to minibatch
    params.write_text((ROOT / "params/digits.params").read_text().replace("keep=0.5", "keep=1"))
    found = {}
    for name, options in {
        "whole": ("--minibatch", "64", "--max-batches", "1"),
        "halves": ("--minibatch", "32", "--max-batches", "2", "--wupdate-freq", "2"),
        "waits": ("--minibatch", "32", "--max-batches", "3", "--wupdate-freq", "2"),
    }.items():
        given = [*DIGITS[:3], params, "--save", tmp_path / name, *options]
        good("train", *given, "--test-every", "100")
        found[name] = checkpoint.load(checkpoint.newest(tmp_path / name))
    for name, array in found["whole"].arrays.items():
        np.testing.assert_allclose(found["halves"].arrays[name], array, atol=1e-5)
        assert np.array_equal(found["waits"].arrays[name], found["halves"].arrays[name])
    assert "conv1.weights.0.gradient" in found["waits"].arrays
    good("train", "--resume", tmp_path / "waits", "--max-batches", "1")
    resumed = checkpoint.load(checkpoint.newest(tmp_path / "waits"))
    assert resumed.options["wupdate_freq"] == 2
    assert "conv1.weights.0.gradient" not in resumed.arrays
    name = "conv1.weights.0"
    assert not np.array_equal(resumed.arrays[name], found["waits"].arrays[name])


def test_rates_drop_and_stay_low_when_the_run_goes_on(tmp_path):
    """The options are stored, and so is what has been dropped."""
    stuck = ["--drop-rate-when-stuck", "--stuck-tests", "1", "--stuck-improvement", "0.95"]
    result = good("train", *DIGITS, *stuck, "--test-every", "2", "--save", tmp_path / "run",
                  "--max-batches", "4")  # fmt: skip
    assert "drop 1 of 3" in result.stderr
    result = good("train", "--resume", tmp_path / "run", "--max-batches", "2")
    assert "divided by 10: 1 of 3 drops are made" in result.stderr
    assert "drop 2 of 3" in result.stderr
    result = good("train", "--resume", tmp_path / "run", "--max-batches", "1",
                  "--no-drop-rate-when-stuck")  # fmt: skip
    assert "drop-rate-when-stuck yes -> no" in result.stderr
    assert "no longer divided by 100" in result.stderr


def test_color_noise_goes_on_where_it_stopped(tmp_path):
    options = [*DIGITS, "--color-noise", "0.2", "--scalar-mean", "100", "--test-every", "100"]
    good("train", *options, "--save", tmp_path / "whole", "--max-batches", "3")
    good("train", *options, "--save", tmp_path / "parts", "--max-batches", "1")
    good("train", "--resume", tmp_path / "parts", "--max-batches", "2")
    good("train", *DIGITS, "--save", tmp_path / "plain", "--max-batches", "3")
    whole, parts, plain = (
        checkpoint.load(checkpoint.newest(tmp_path / name)) for name in ("whole", "parts", "plain")
    )
    assert whole.options["data_options"]["color_noise"] == 0.2
    for name, array in whole.arrays.items():
        assert array.tobytes() == parts.arrays[name].tobytes()
    assert whole.arrays["conv1.weights.0"].tobytes() != plain.arrays["conv1.weights.0"].tobytes()


def test_show_preds_draws_images_and_errors(inside, tmp_path):
    result = good("show-preds", "--count", "5", "--out", tmp_path / "p.png")
    assert "p.png: " in result.stdout
    good("show-preds", "--only-errors", "--multiview", "--out", tmp_path / "e.png")
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width >= 480
    few = good("show-preds", "--only-errors", "--count", "600", "--out", tmp_path / "e.png")
    errors = json.loads(good("test", "--json").stdout)["tests"][0]["top1_error"]
    assert f"only {round(296 * errors)} misclassified test images" in few.stderr


def test_filters_over_yuv_need_three_channels(inside, tmp_path):
    result = run("show-filters", "--yuv-to-rgb", "--out", tmp_path / "f.png")
    assert result.exit_code == 1
    assert "three of YUV" in result.output


def test_show_cost_of_a_layer_that_is_none(inside, tmp_path):
    result = run("show-cost", "--cost", "probs", "--out", tmp_path / "c.png")
    assert result.exit_code == 1
    assert "it has logprob" in result.output
