"""Event files of runs, read by TensorBoard's own reader."""

import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from convnet import checkpoint
from tests.support.command_line import good, run
from tests.support.missing import hide


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    good("train", "--layers", "digits", "--epochs", 2, "--save", place / "one")
    good("runs", place, "--to-tensorboard", place / "events")
    return place


@pytest.fixture(scope="module")
def events(place):
    found = EventAccumulator(str(place / "events" / "one"), {"scalars": 0, "histograms": 0})
    found.Reload()
    return found


def test_every_number_of_the_journal_is_there(place, events):
    records = [json.loads(line) for line in (place / "one/journal.jsonl").read_text().splitlines()]
    expected = {}
    for record in records:
        if record["event"] not in ("train", "test"):
            continue
        for name, value in record["costs"]["logprob"].items():
            tag = f"{record['event']}/logprob/{name.replace(' ', '_')}"
            expected.setdefault(tag, []).append((record["step"], np.float32(value)))
        for name, value in record.get("rates", {}).items():
            expected.setdefault(f"rate/{name}", []).append((record["step"], np.float32(value)))
        if record["event"] == "train":
            speed = np.float32(record["images_per_second"])
            expected.setdefault("images_per_second", []).append((record["step"], speed))
    assert len(expected) >= 2 * 2 + 8 + 1
    assert set(events.Tags()["scalars"]) == set(expected)
    for tag, values in expected.items():
        assert [(e.step, np.float32(e.value)) for e in events.Scalars(tag)] == values


def test_weights_filters_and_settings_are_there(place, events):
    saved = checkpoint.load_newest(place / "one").checkpoint
    for name in ("conv1.weights.0", "fc4.weights.0"):
        last = events.Histograms(f"weights/{name}")[-1]
        weights = saved.arrays[name]
        assert last.step == saved.position.step
        assert last.histogram_value.num == weights.size
        assert last.histogram_value.min == pytest.approx(weights.min())
        assert last.histogram_value.max == pytest.approx(weights.max())
    assert events.Images("filters")[-1].encoded_image_string[1:4] == b"PNG"
    assert "settings/text_summary" in events.Tags()["tensors"]


def test_a_run_written_again_replaces_its_events(place):
    target = place / "events" / "one"
    good("runs", place / "one", "--to-tensorboard", place / "events")
    assert len(list(target.iterdir())) == 1


def test_without_the_package_the_extra_is_named(place, monkeypatch):
    hide(monkeypatch, "tensorboard")
    result = run("runs", place / "one", "--to-tensorboard", place / "other")
    assert result.exit_code == 1 and "convnet[tensorboard]" in result.output
    assert not (place / "other").exists()
