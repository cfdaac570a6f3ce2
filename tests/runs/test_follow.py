"""Journals and checkpoints that grow: what is read piece by piece is what is read as a whole."""

import json
import os
import shutil

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convnet import checkpoint
from convnet.errors import CheckpointError, DataError
from convnet.html.series import CurveBuilder
from convnet.journal import Journal, read
from convnet.runs.events import read_events
from convnet.runs.follow import Attempts, Entry, FollowedCheckpoint, FollowedJournal
from tests.support.command_line import good

numbers = st.floats(-10, 10) | st.none()
trained = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["train", "test", "save", "drop", "hint"]),
        "costs": st.dictionaries(
            st.sampled_from("ab"), st.dictionaries(st.sampled_from("cd"), numbers)
        ),
        "rates": st.dictionaries(st.sampled_from("wv"), numbers) | st.none(),
        "has_epoch": st.booleans(),
    }
)
attempt = st.tuples(st.integers(0, 20), st.lists(trained, max_size=12))


def written(attempts):
    """The lines of a journal: each attempt resumes at a step of the one before."""
    step, lines = 0, []
    for number, (back, records) in enumerate(attempts):
        step = max(0, step - back)
        lines.append({"event": "resume" if number else "start", "step": step, "time": "x"})
        for record in records:
            step += 1
            facts = {k: v for k, v in record.items() if k != "has_epoch"}
            epoch = {"epoch": step / 4} if record["has_epoch"] else {}
            lines.append({"step": step, **facts, **epoch})
    return [json.dumps(line).encode() + b"\n" for line in lines]


class Seen:
    """All that a follower tells."""

    def __init__(self, path):
        self.restarts = -1
        self.restart()
        self.journal = FollowedJournal(path, self.add, self.restart)

    def restart(self):
        self.restarts += 1
        self.builder, self.attempts, self.count = CurveBuilder(), Attempts(), 0

    def add(self, entry):
        self.builder.add(entry)
        self.attempts.add(entry)
        self.count += 1


@settings(deadline=None, max_examples=60)
@given(st.lists(attempt, min_size=1, max_size=4), st.lists(st.integers(0, 4000), max_size=6))
def test_reading_piece_by_piece_is_reading_all(tmp_path_factory, attempts, cuts):
    """Pieces end anywhere, within lines too."""
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    content = b"".join(written(attempts))
    path.write_bytes(b"")
    seen = Seen(path)
    for end in sorted(cut for cut in cuts if cut < len(content)):
        path.write_bytes(content[:end])
        seen.journal.read()
    path.write_bytes(content)
    seen.journal.read()
    assert (seen.restarts, seen.count, seen.journal.damaged) == (0, content.count(b"\n"), 0)
    whole = CurveBuilder()
    for record in read(path):
        whole.add(msgspec.convert(record, Entry))
    assert seen.builder.curves("x") == whole.curves("x")
    assert not seen.journal.read()


def test_attempts_are_those_that_the_whole_journal_tells(tmp_path):
    times = ["00:00:00", "00:01:00", "10:00:00", "10:00:30"]
    with (tmp_path / "journal.jsonl").open("w") as file:
        for event, time in zip(["start", "train", "resume", "stop"], times, strict=True):
            record = {"event": event, "step": 0, "time": f"2026-01-01T{time}+00:00", "data": "d"}
            file.write(json.dumps(record) + "\n")
    seen = Seen(tmp_path / "journal.jsonl")
    seen.journal.read()
    mine, whole = seen.attempts.events(), read_events(tmp_path)
    assert mine.seconds == whole.seconds == 90
    assert mine.first["data"] == "d" and mine.last["event"] == whole.last["event"] == "stop"


def test_a_journal_that_was_replaced_is_read_anew(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("start", 0)
        journal.write("train", 1)
        seen = Seen(path)
        assert seen.journal.read() and seen.count == 2
        assert not seen.journal.read()
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        seen.journal.read()
    path.write_bytes(b'{"event": "st')
    assert seen.journal.read() and (seen.restarts, seen.count) == (1, 0), "what was shown is gone"
    path.unlink()
    with Journal(path) as journal:
        journal.write("start", 0)
    assert seen.journal.read() and seen.count == 1
    assert not seen.journal.read()


def test_damaged_lines_are_counted_and_lines_cut_off_by_a_kill_are_not(tmp_path):
    path = tmp_path / "journal.jsonl"
    good_line = b'{"event": "train", "step": 1}\n'
    path.write_bytes(b"".join([good_line, b"broken\n", good_line, b'{"event": "tr\n',
                               b'{"event": "resume", "step": 1}\n', good_line]))  # fmt: skip
    seen = Seen(path)
    seen.journal.read()
    assert (seen.count, seen.journal.damaged) == (4, 1)


# -- checkpoints -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    good("train", "--layers", "digits", "--epochs", 2, "--save", place / "run")
    return place / "run"


def test_a_checkpoint_is_read_once_after_each_save(trained_run, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir()
    first, second = trained_run / "1.0.safetensors", trained_run / "2.0.safetensors"
    loads, load = [], checkpoint.load_newest
    monkeypatch.setattr(checkpoint, "load_newest", lambda *a, **k: loads.append(a) or load(*a, **k))
    followed = FollowedCheckpoint(folder)
    with pytest.raises(CheckpointError):
        followed.read()
    shutil.copy(first, folder / first.name)
    assert followed.read().checkpoint.position.epoch == 1
    assert followed.read() is None
    shutil.copy(second, folder / second.name)
    shutil.copy(second, folder / "best.safetensors")
    saved = followed.read()
    assert saved.checkpoint.position.epoch == 2
    assert not any(name.endswith(".velocity") for name in saved.checkpoint.arrays)
    os.unlink(folder / first.name)  # as a save does, after the new file is in place
    assert followed.read() is None and len(loads) == 2


def test_the_facts_are_those_of_the_header(trained_run):
    path = checkpoint.newest(trained_run)
    header = checkpoint.read_header(path)
    facts = FollowedCheckpoint(trained_run).read().facts()
    assert facts == {key: header[key] for key in facts}
    assert {"position", "options", "history", "layers", "seed", "created"} <= set(facts)
