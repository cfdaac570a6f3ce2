"""Training and testing on a set of shards by the command line, with any number of workers."""

import json

import numpy as np
import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.commands.training import report as command
from convnet.data import jpeg
from tests.support.command_line import good, run
from tests.support.shard_sets import TEST, damage, made_set

LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=24
[labels]
type=data
dataIdx=1
[fc]
type=fc
inputs=data
outputs=2
initW=0.0001
[probs]
type=softmax
inputs=fc
[cost]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = "[fc]\nepsW=0.000001\nepsB=0.001\nmomW=0.9\nmomB=0.9\nwc=0\n[cost]\ncoeff=1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feeding")
    made_set(folder)
    (folder / "net.cfg").write_text(LAYERS)
    (folder / "net.params").write_text(PARAMS)
    return folder


def arguments(folder, save, workers, *more):
    files = ["--layers", folder / "net.cfg", "--params", folder / "net.params"]
    fed = ["--data", folder / "made", "--color-noise", "0.1", "--minibatch", "7", "--seed", "5"]
    return ["train", *files, *fed, "--epochs", "2", "--workers", workers, "--save", save, *more]


def arrays(path):
    return load(newest(path)).arrays


@pytest.fixture(scope="module")
def whole(folder):
    """An uninterrupted run whose images the training process itself decodes."""
    shown = good(*arguments(folder, folder / "whole", 0))
    return folder / "whole", shown


def test_a_run_is_the_same_with_workers_and_when_resumed_within_an_epoch(folder, whole):
    good(*arguments(folder, folder / "parts", 2, "--max-batches", "3"))
    assert load(newest(folder / "parts")).position.minibatch == 3
    good("train", "--resume", folder / "parts", "--workers", "1")
    expected, found = arrays(whole[0]), arrays(folder / "parts")
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_the_share_of_waiting_is_printed_and_stored(whole):
    path, shown = whole
    stop = journal.read(path)[-1]
    assert stop["event"] == "stop" and 0 < stop["wait_share"] <= 1
    assert f"waited for data: {stop['wait_share']:.0%} of the training time" in shown.stdout


@pytest.mark.parametrize(
    ("workers", "cores", "hint"),
    [
        (0, 4, "0 processes decode the images; --workers 4 uses all cores"),
        (1, 4, "1 processes decode the images; --workers 4 uses all cores"),
        (1, 1, "1 processes decode the images, more slowly than this network trains: add cores"),
    ],
)
def test_what_to_do_about_waiting(folder, tmp_path, monkeypatch, workers, cores, hint):
    monkeypatch.setattr(command, "cores", lambda: cores)
    monkeypatch.setattr(command, "_MUCH_WAITING", 0.0)
    monkeypatch.setattr(command, "_LONG_WAITING", 0.0)
    shown = good(*arguments(folder, tmp_path / "run", workers, "--max-batches", "1"))
    assert f"hint: {hint}\n" in shown.stderr
    monkeypatch.setattr(command, "_LONG_WAITING", 60.0)
    shown = good(*arguments(folder, tmp_path / "short", 0, "--max-batches", "1"))
    assert "hint" not in shown.stderr
    monkeypatch.setattr(command, "_LONG_WAITING", 0.0)
    monkeypatch.setattr(command, "_MUCH_WAITING", 1.1)
    shown = good(*arguments(folder, tmp_path / "other", 0, "--max-batches", "1"))
    assert "hint" not in shown.stderr


def test_a_faster_decoder_that_is_missing_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(jpeg, "simplejpeg", None)
    monkeypatch.setattr(command, "_MUCH_WAITING", 0.0)
    monkeypatch.setattr(command, "_LONG_WAITING", 0.0)
    shown = good(*arguments(folder, tmp_path / "run", 0, "--max-batches", "1"))
    assert "simplejpeg is installed" in shown.stderr


def test_tests_of_many_views_are_the_same_with_workers(folder, whole):
    found = [
        json.loads(good("test", "--load", whole[0], "--multiview", "--workers", n, "--json").stdout)
        for n in (0, 2)
    ]
    assert found[0] == found[1]
    assert [test["views"] for test in found[0]["tests"]] == [1, 10]
    assert found[0]["tests"][1]["cases"] == 2 * TEST


def test_a_damaged_image_ends_the_run_saved_and_is_named(folder, tmp_path):
    for file in (folder / "made").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    key = damage(tmp_path, "train", 11)
    run_folder = tmp_path / "run"
    result = run(*arguments(folder, run_folder, 2, "--data", tmp_path))
    assert result.exit_code == 1
    assert key in result.stderr and "its CRC-32 is" in result.stderr
    assert "Traceback" not in result.output
    position = load(newest(run_folder)).position
    assert position.epoch == 0 and key in journal.read(run_folder)[-1]["reason"]
