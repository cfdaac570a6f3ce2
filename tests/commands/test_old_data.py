"""Networks train on the data that owners of the original programs have, from the command line."""

import pickle

import numpy as np
import pytest

from tests.data.test_jpeg_batches import SIDE as JPEG_SIDE
from tests.data.test_jpeg_batches import jpegs
from tests.support.command_line import good, run

SIDE, CASES = 8, 6
RANDOM = np.random.default_rng(11)
CLASSES = {"label_names": ["a", "b"], "num_vis": 3 * SIDE**2}
PARAMS = "epsW={rate}\nepsB={rate}\nmomW=0.9\nmomB=0.9\nwc=0.0004\n"
NET = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels={channels}
filters=16
padding=2
stride=1
filterSize=5
neuron=relu
initW=0.01
partialSum=1
sharedBiases=1
[fc]
type=fc
outputs={outputs}
inputs=conv1
initW=0.01
"""
CLASSIFIES = "[probs]\ntype=softmax\ninputs=fc\n[cost]\ntype=cost.logreg\ninputs=labels,probs\n"
DIFFERENCE = "[diff]\ntype=eltsum\ninputs=fc,labels\ncoeffs=1,-1\n"
REGRESSES = f"{DIFFERENCE}[cost]\ntype=cost.sum2\ninputs=diff\n"


def net(folder, head=CLASSIFIES, outputs=2, channels=3, rate=0.001):
    (folder / "net.cfg").write_text(NET.format(channels=channels, outputs=outputs) + head)
    params = f"[conv1]\n{PARAMS}[fc]\n{PARAMS}[cost]\ncoeff=1\n"
    (folder / "net.params").write_text(params.format(rate=rate))
    return "--layers", folder / "net.cfg", "--params", folder / "net.params"


def write(folder, meta, data, labels, first=1):
    folder.mkdir()
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, 2))
    for n in range(first, first + 3):
        batch = {"data": data, "labels": labels}
        (folder / f"data_batch_{n}").write_bytes(pickle.dumps(batch, 2))
    return folder


def write_jpegs(folder, meta, images, labels):
    folder.mkdir()
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a", "b"], **meta}, 2))
    for n in (0, 1):
        (folder / f"data_batch_{n}").mkdir()
        batch = pickle.dumps({"data": images, "labels": labels}, 4)
        (folder / f"data_batch_{n}" / f"data_batch_{n}.0").write_bytes(batch)
    return folder


def pixels(channels=3):
    return RANDOM.integers(0, 256, (channels * SIDE**2, CASES), np.uint8)


def whitened():
    return RANDOM.normal(size=(3 * SIDE**2, CASES)).astype(np.float32)


LABELS = [0, 1] * (CASES // 2)
NAMES = {"label_names": [np.bytes_(b"cat"), np.bytes_(b"dog")]}
FOLDERS = {
    "names of NumPy": lambda at: write(at, NAMES, pixels().astype(np.float32), LABELS),
    "whitened": lambda at: write(
        at, CLASSES | {"data_mean": np.zeros((192, 1), np.float32)}, whitened(), LABELS
    ),
    "numbered from 0": lambda at: write(at, CLASSES, pixels(), LABELS, first=0),
    "an offset": lambda at: write(at, CLASSES | {"label_offset": -1}, pixels(), [1, 2] * 3),
    "JPEGs with num_vis": lambda at: write_jpegs(
        at, {"num_vis": 3 * JPEG_SIDE**2}, jpegs(0, 2), [[0], [1]]
    ),
    "repeated JPEGs": lambda at: write_jpegs(
        at, {"img_size": JPEG_SIDE}, jpegs(0, 2) + [jpegs(0, 1)[0]] * 2, [[0], [1], [0], [0]]
    ),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_minibatch_of_classes(tmp_path, kind):
    data = FOLDERS[kind](tmp_path / "data")
    files = net(tmp_path)
    save = "--save", tmp_path / "run"
    said = good("train", *files, "--data", data, *save, "--epochs", 1, "--workers", 0).output
    assert "cost" in said and (tmp_path / "run" / "1.0.safetensors").is_file()
    if kind == "whitened":
        assert "its data_mean is subtracted" in said
        good("show-preds", "--load", tmp_path / "run", "--out", tmp_path / "preds.png")


def test_targets_of_regression(tmp_path):
    targets = RANDOM.random((5, CASES)).astype(np.float32)
    data = write(tmp_path / "data", {"num_vis": 3 * SIDE**2}, pixels(), targets)
    files, save = net(tmp_path, REGRESSES, outputs=5, rate=1e-7), ("--save", tmp_path / "run")
    said = good("train", *files, "--data", data, *save, "--epochs", 40).output
    costs = good("show-cost", "--load", tmp_path / "run", "--out", tmp_path / "c.png").output
    first, last = (float(line.split()[2]) for line in (costs.splitlines()[k] for k in (1, -2)))
    assert last < first, said
    wrong = run("train", *net(tmp_path), "--data", data)
    assert wrong.exit_code == 1 and "labels has 5" in wrong.output


def test_four_channels(tmp_path):
    data = write(tmp_path / "data", {"label_names": ["a", "b"]}, pixels(4), LABELS)
    files = net(tmp_path, channels=4)
    good("train", *files, "--data", data, "--save", tmp_path / "run", "--epochs", 1)


def test_a_mean_that_was_subtracted_before_is_said(tmp_path):
    meta = CLASSES | {"data_mean": np.full(192, 120.0)}
    centered = whitened()
    centered -= centered.mean(axis=1, keepdims=True)
    data = write(tmp_path / "data", meta, centered, LABELS)
    said = good("train", *net(tmp_path), "--data", data, "--dry-run").output
    assert "its data_mean is not their mean, and is not subtracted" in said
