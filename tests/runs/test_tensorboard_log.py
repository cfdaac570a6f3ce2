"""Event files written while a run is trained, read by TensorBoard's own reader."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from convnet import checkpoint
from convnet.runs import event_file
from convnet.runs.settings import settings_of
from convnet.runs.tensorboard import scalars
from tests.support.command_line import good, run
from tests.support.missing import hide
from tests.support.paths import ROOT

SAVED = ("--layers", "digits", "--epochs", 2)


def read_events(folder):
    found = EventAccumulator(str(folder), {"scalars": 0, "histograms": 0, "images": 0})
    found.Reload()
    return found


def by_tag(records):
    """Steps and values that the records of a journal hold, as float32."""
    expected = {}
    for record in records:
        for tag, value in scalars(record):
            expected.setdefault(tag, []).append((record["step"], np.float32(value)))
    return expected


def in_events(events):
    return {
        tag: [(event.step, np.float32(event.value)) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def journal(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run that wrote events meanwhile, in `live`, and the events written afterwards."""
    place = tmp_path_factory.mktemp("runs")
    good("train", *SAVED, "--save", place / "one", "--tensorboard", place / "live")
    good("runs", place / "one", "--to-tensorboard", place / "afterwards")
    return place


def test_the_numbers_are_those_of_the_journal(place):
    expected = by_tag(journal(place / "one"))
    assert len(expected) >= 2 * 2 + 8 + 1
    assert in_events(read_events(place / "live/one")) == expected


def test_the_same_is_written_meanwhile_and_afterwards(place):
    live, later = (read_events(place / name / "one") for name in ("live", "afterwards"))
    assert in_events(live) == in_events(later)
    assert live.Tags() == later.Tags()
    last = checkpoint.load_newest(place / "one").checkpoint.position.step
    for tag in live.Tags()["histograms"]:
        mine, theirs = (
            {e.step: e.histogram_value for e in x.Histograms(tag)} for x in (live, later)
        )
        assert mine[last] == theirs[last]
        assert theirs.items() <= mine.items(), "every checkpoint that is kept was seen when saved"
    pictures = [
        {e.step: e.encoded_image_string for e in x.Images("filters")} for x in (live, later)
    ]
    assert pictures[0][last] == pictures[1][last]
    tables = [e.tensor_proto.string_val[0] for e in live.Tensors("settings/text_summary")]
    assert tables == [e.tensor_proto.string_val[0] for e in later.Tensors("settings/text_summary")]


def test_hyperparameters_name_the_results(place):
    from tensorboard.plugins.hparams import plugin_data_pb2

    for folder in ("live", "afterwards"):
        content = read_events(place / folder / "one").PluginTagToContent("hparams")
        parsed = plugin_data_pb2.HParamsPluginData.FromString
        start = parsed(content["_hparams_/session_start_info"]).session_start_info
        facts = checkpoint.read_header(checkpoint.newest(place / "one"))
        assert {k: v.string_value for k, v in start.hparams.items()} == settings_of(facts)
        about = parsed(content["_hparams_/experiment"]).experiment
        assert {each.name.tag for each in about.metric_infos} == {
            *("test/logprob/cost", "test/logprob/top-1_error")
        }


def test_a_resumed_run_goes_on_without_doubling_steps(tmp_path):
    save = ("--save", tmp_path / "run")
    log = ("--tensorboard", tmp_path / "events")
    good("train", *SAVED, *save, *log, "--max-batches", 10)
    early = tmp_path / "early.safetensors"
    early.write_bytes(checkpoint.newest(tmp_path / "run").read_bytes())
    good("train", "--resume", tmp_path / "run", *save, *log, "--max-batches", 20)
    # Back to the tenth minibatch: what came after it no longer counts.
    good("train", "--resume", early, *save, *log, "--epochs", 2)
    from convnet.journal import read

    assert len(list((tmp_path / "events/run").iterdir())) == 3
    found = in_events(read_events(tmp_path / "events/run"))
    assert found == by_tag(read(tmp_path / "run"))
    steps = [step for step, _ in found["train/logprob/cost"]]
    assert steps == sorted(set(steps)) and steps[-1] == 48


def test_a_run_that_began_without_events_gets_all_of_them_when_it_is_resumed(tmp_path):
    good("train", *SAVED, "--save", tmp_path / "run", "--max-batches", 10)
    log = ("--tensorboard", tmp_path / "events")
    good("train", "--resume", tmp_path / "run", *log, "--max-batches", 4)
    assert in_events(read_events(tmp_path / "events/run")) == by_tag(journal(tmp_path / "run"))


def test_a_run_started_anew_replaces_the_events_of_its_folder(tmp_path):
    log = ("--tensorboard", tmp_path / "events")
    good("train", *SAVED, "--save", tmp_path / "run", *log, "--max-batches", 4)
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    good("train", *SAVED, "--save", tmp_path / "run", *log, "--max-batches", 2)
    assert len(list((tmp_path / "events/run").iterdir())) == 1
    assert in_events(read_events(tmp_path / "events/run")) == by_tag(journal(tmp_path / "run"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_is_told_once_and_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(event_file, "_unused_path", lambda folder: Path("/dev/full"))
    result = good("train", *SAVED, "--save", tmp_path / "run", "--tensorboard", tmp_path / "events")
    assert result.output.count("the event file cannot be written (no space left on device)") == 1
    assert "trained: 2 of 2 epochs" in result.output


def test_what_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    common = ("train", *SAVED, "--save", tmp_path / "run", "--tensorboard")
    result = run(*common, tmp_path / "file")
    assert result.exit_code == 1 and "event files cannot be written there" in result.output
    hide(monkeypatch, "tensorboard")
    result = run(*common, tmp_path / "events")
    assert result.exit_code == 1 and "convnet[tensorboard]" in result.output
    assert not (tmp_path / "events").exists() and not any((tmp_path / "run").glob("*"))


def test_a_dry_run_writes_no_events(tmp_path):
    good("train", *SAVED, "--dry-run", "--tensorboard", tmp_path / "events")
    assert not (tmp_path / "events").exists()


def test_the_buckets_of_a_histogram_hold_all_values():
    edges = event_file._edges()
    random = np.random.default_rng(0)
    for values in (random.standard_normal((7, 300)), np.zeros(5), np.array([-2.0, 1e-3, 3.0])):
        limits, counts = event_file.counted(values.astype(np.float32), edges)
        expected = np.histogram(values.astype(np.float32), np.array(limits))[0]
        assert counts == [0, *expected.tolist()] and sum(counts) == values.size
        assert counts[1] and counts[-1], "no empty buckets at the ends"


def test_pytorch_is_not_loaded(tmp_path):
    """Its threads would take processor time from the kernels."""
    code = (
        "import sys; from pathlib import Path; from convnet.runs.event_file import EventFile\n"
        "with EventFile(Path(sys.argv[1])) as file:\n"
        "    file.text('a', 'b', 0); file.hyperparameters({'a': 'b'}, ['c'])\n"
        "assert 'torch' not in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, cwd=ROOT)
