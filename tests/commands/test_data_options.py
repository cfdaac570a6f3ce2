"""Options of the data that cannot be are refused by name before anything is made."""

import numpy as np
import pytest

from convnet import checkpoint
from tests.commands.test_network_input import write_folder
from tests.support.command_line import DIGITS, good, run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--crop-border", "-1"], "'--crop-border': -1"),
        (["--inner-size", "-8"], "'--inner-size': -8"),
        (["--mean", "median"], "expected image, scalar, none or a number, found 'median'"),
        (["--mean", "nan"], "expected image, scalar, none or a number"),
        (["--scalar-mean", "inf"], "expected a number, found 'inf'"),
        (["--color-noise", "-0.1"], "'--color-noise': -0.1"),
        (["--color-noise", "nan"], "'--color-noise'"),
    ],
)
def test_values_that_cannot_be_are_misuse(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", *DIGITS, *options)
    assert result.exit_code == 2 and message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--inner-size", 9], "--inner-size 9: digits has images of 8x8; give at most 8"),
        (["--crop-border", 4], "--crop-border 4 leaves nothing of digits's images"),
        (["--train-range", "1-5"], "its training and test sets are fixed"),
    ],
)
def test_values_that_do_not_fit_the_data(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", *DIGITS, *options)
    assert result.exit_code == 1 and message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train-range", "1-7"], "has no data_batch_7, which is in the train range"),
        (["--test-range", "3-2"], "--test-range must be one number or first-last"),
        (["--train-range", "a"], "--train-range must be one number or first-last"),
    ],
)
def test_ranges_outside_the_data(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "set")
    result = run("train", "--layers", "cifar10", "--data", tmp_path / "set", *options)
    assert result.exit_code == 1 and message in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_number_as_the_mean(tmp_path):
    good("train", *DIGITS, "--max-batches", 2, "--save", tmp_path / "a", "--mean", 7.5,
         "--inner-size", 0)  # fmt: skip
    good("train", *DIGITS, "--max-batches", 2, "--save", tmp_path / "b", "--scalar-mean", 7.5)
    found = [checkpoint.load(checkpoint.newest(tmp_path / name)) for name in "ab"]
    assert found[0].input == found[1].input and found[0].input.mean == 7.5
    for name, array in found[0].arrays.items():
        assert np.array_equal(array, found[1].arrays[name])


def test_a_small_net_on_large_images_warns_in_train_and_test(tmp_path):
    large = "shapes:side=96,train=300,test=40"
    printed = good("train", "--layers", "cifar10", "--data", large, "--max-batches", 1,
                   "--minibatch", 16, "--save", tmp_path / "run").stderr  # fmt: skip
    assert "warning: the network sees crops of 24x24" in printed and "96x96 pixels" in printed
    printed = good("test", "--load", tmp_path / "run", "--max-batches", 1).stderr
    assert "warning: the network sees crops of 24x24" in printed
