"""The curves of a run as arrays."""

import json

import numpy as np
import pytest

from convnet.errors import CheckpointError, DataError
from convnet.report.curve_arrays import curves
from convnet.report.curves import draw_curves


def write(path, *records):
    path.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"event": event, "step": step, **more}) for event, step, more in records]
    (path / "journal.jsonl").write_text("\n".join(lines) + "\n")
    return path


def costs(cost, error=None, epoch=0.0, layer="logprob"):
    numbers = {"cost": cost} | ({} if error is None else {"top-1 error": error})
    return {"costs": {layer: numbers}, "epoch": epoch}


def test_curves_are_the_numbers_of_the_journal(tmp_path):
    run = write(
        tmp_path / "run",
        ("start", 0, {"layers": "digits.cfg"}),
        ("train", 1, costs(2.5, 0.9, 0.5)),
        ("train", 2, costs(None, 0.5, 1.0)),
        ("test", 2, costs(1.5, 0.25, 1.0)),
        ("save", 2, {}),
    )
    found = curves(run)
    assert list(found.layers) == ["logprob"] and list(found["logprob"]) == ["cost", "top-1 error"]
    training, test = found["logprob"]["cost"].training, found["logprob"]["cost"].test
    assert training.step.tolist() == [1, 2] and training.epoch.tolist() == [0.5, 1]
    assert training.value[0] == 2.5 and np.isnan(training.value[1]) and len(training) == 2
    assert (test.step.tolist(), test.value.tolist()) == ([2], [1.5])
    assert found["logprob"]["top-1 error"].test.value.tolist() == [0.25]
    picture, again = found.figure(log=True), draw_curves(found.records, log=True)
    assert np.array_equal(np.asarray(picture), np.asarray(again))


def test_layers_that_begin_later_and_journals_without_epochs(tmp_path):
    run = write(
        tmp_path / "run",
        ("train", 1, {"costs": {"a": {}}}),
        ("train", 2, {"costs": {"a": {}, "b": {"cost": 1.0}}}),
    )
    found = curves(run)
    assert list(found.layers) == ["b"]
    points = found["b"]["cost"]
    assert np.isnan(points.training.epoch).all() and len(points.test) == 0
    with pytest.raises(DataError, match="no cost layer"):
        found["a"]


def test_a_checkpoint_stands_for_its_run(trained):
    (folder,) = (trained / "checkpoints").iterdir()
    whole, of_file = curves(folder), curves(folder / "1.6.safetensors")
    assert whole.records == of_file.records
    assert len(whole["logprob"]["cost"].training) == 30


def test_no_run(tmp_path):
    with pytest.raises(CheckpointError):
        curves(tmp_path)
