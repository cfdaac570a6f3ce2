"""The journal: one curve, however often the run was killed and resumed."""

import errno
import json
import os

import pytest

from convnet.errors import ConvnetError, DataError
from convnet.journal import FILE_NAME, Journal, read
from convnet.report.curves import draw_curves, table_of_tests
from convnet.train import Observer, fit
from tests.support.damage import damages
from tests.support.training import curve, go_on, make_run


def _write(path, *records):
    with Journal(path) as journal:
        for event, step in records:
            journal.write(event, step, costs={})


def _steps(path):
    return [(record["event"], record["step"]) for record in read(path)]


def test_records_come_back(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        written = journal.write("train", 3, costs={"logprob": {"cost": 0.5}}, note="caf\udce9 é")
        assert json.loads(path.read_text("utf-8"))["costs"] == written["costs"], "not flushed"
        journal.sync()
    (record,) = read(tmp_path)  # a folder stands for its journal
    assert record == {**written, "note": "caf? é"} and record["time"].endswith("+00:00")


def test_resuming_supersedes_what_came_later(tmp_path):
    path = tmp_path / "journal.jsonl"
    _write(path, ("start", 0), ("train", 1), ("train", 2), ("save", 2), ("train", 3), ("test", 4))
    _write(path, ("resume", 2), ("train", 3), ("train", 4), ("stop", 4))
    expected = [("start", 0), ("train", 1), ("train", 2), ("save", 2)]
    expected += [("resume", 2), ("train", 3), ("train", 4), ("stop", 4)]
    assert _steps(path) == expected
    _write(path, ("resume", 1), ("train", 2))
    assert _steps(path) == expected[:2] + [("resume", 1), ("train", 2)]
    _write(path, ("start", 0), ("train", 1))
    assert _steps(path) == [("start", 0), ("start", 0), ("train", 1)]


def test_torn_lines_are_passed_over(tmp_path):
    """At every length that a kill may leave, twice."""
    path = tmp_path / "journal.jsonl"
    _write(path, ("start", 0), ("train", 1), ("train", 2))
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    for length in range(last, len(whole)):
        path.write_bytes(whole[:length])
        assert _steps(path) == [("start", 0), ("train", 1)]
        with Journal(path):
            pass  # killed again, before a record was written
        with path.open("ab") as file:
            file.write(b'{"event": "resu')
        _write(path, ("resume", 1), ("train", 2))
        found = _steps(path)
        assert found == [("start", 0), ("train", 1), ("resume", 1), ("train", 2)]


DAMAGE = {
    b"junk": "it is not valid JSON",
    b"\xff\xfe": "it is not valid JSON",
    b"[" * 100_000: "it is not valid JSON",
    b'{"event": "train", "step": 1, "note": "' + b"x" * (3 << 20) + b'"}': "it is not valid JSON",
    b"[]": "expected object, found array",
    b"{}": "there is no field event",
    b'{"event": 1, "step": 2}': "event: expected str, found 1",
    b'{"event": "train", "step": -1}': "step: expected int >= 0, found -1",
    b'{"event": "train", "step": 1, "epoch": null}': "epoch: expected float, found null",
    b'{"event": "train", "step": 1, "epoch": NaN}': "epoch: expected float",
    b'{"event": "train", "step": 1, "costs": {"x": 5}}': "costs[...]: expected object, found 5",
}


@pytest.mark.parametrize("line", DAMAGE, ids=lambda line: line[:40].decode("latin-1"))
def test_a_damaged_line_costs_that_line(tmp_path, line):
    path, said = tmp_path / "journal.jsonl", []
    _write(path, ("start", 0), ("train", 1))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\n" + line + b"\n", 1))
    assert [r["event"] for r in read(path, said.append)] == ["start", "train"]
    (line_about_it,) = said
    assert line_about_it.startswith(f"{path}:2: is damaged and passed over: {DAMAGE[line]}")


def test_many_damaged_lines_are_one_message(tmp_path):
    path, said = tmp_path / "journal.jsonl", []
    _write(path, ("start", 0), ("train", 1))
    start, train = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(start + b"{}\n" + train + b"junk\n{}\n" + train)
    assert len(read(path, said.append)) == 3 and len(said) == 1
    assert ":2: is damaged and passed over (and 2 more lines are)" in said[0]
    with pytest.warns(UserWarning, match="2 more lines"):
        read(path)


def test_one_damaged_field_of_a_record(tmp_path):
    """Whatever a line holds, the others are read, and table and curves are drawn of them."""
    path, said = tmp_path / "journal.jsonl", []
    costs = {"logprob": {"cost": 0.5, "top-1 error": 0.25}}
    with Journal(path) as journal:
        journal.write("start", 0, layers="a.cfg", data="digits", epochs=3)
        written = journal.write("test", 2, epoch=0.5, costs=costs, best=True)
        journal.write("train", 3, epoch=0.75, costs=costs)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for number, (place, damaged) in enumerate(damages(written)):
        path.write_bytes(first + json.dumps(damaged).encode() + b"\n" + third)
        said.clear()
        records = read(path, said.append)
        assert len(records) == 3 - len(said), place
        assert all(line.startswith(f"{path}:2: is damaged") for line in said)
        assert table_of_tests(records) and "".join(said).isprintable()
        if number % 7 == 0:
            draw_curves(records)


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "journal.jsonl")
    with pytest.raises(DataError, match="journal.jsonl: is a named pipe, not a file"):
        read(tmp_path)


def test_a_missing_journal_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path)


def test_two_runs_cannot_share_a_folder(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path), pytest.raises(ConvnetError, match="another process is training there"):
        Journal(path)
    Journal(path).close()


def test_a_journal_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(ConvnetError, match="cannot be written .no such file"):
        Journal(tmp_path / "no folder" / "journal.jsonl")


class _FullNowAndThen:
    """A file that takes `room` bytes, as on a disk that is full."""

    def __init__(self, file):
        self._file, self.room = file, 10**9

    def write(self, data):
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._file.write(bytes(data[: self.room]))
        self.room -= written
        return written

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_records_that_cannot_be_written_are_kept(tmp_path):
    said = []
    with Journal(tmp_path / FILE_NAME, said.append) as journal:
        journal._file = disk = _FullNowAndThen(journal._file)
        journal.write("start", 0)
        disk.room = 7  # a part of the next line
        journal.write("train", 1)
        journal.write("train", 2)
        journal.sync()
        assert "no space left" in journal.problem and len(said) == 1
        assert "the journal cannot be written (no space left on device)" in said[0]
        journal.copy_to(tmp_path / "copy")
        disk.room = 10**9
        journal.write("train", 3)
        assert journal.problem is None and "no record is missing" in said[1] and len(said) == 2
    for path in (tmp_path / FILE_NAME, tmp_path / "copy"):
        steps = [record["step"] for record in read(path)]
        assert steps == [0, 1, 2, 3][: len(steps)] and len(steps) >= 3


def test_a_journal_that_vanished_is_written_again(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    with Journal(run / FILE_NAME) as journal:
        journal.write("start", 0)
        run.rename(tmp_path / "moved")
        journal.write("train", 1)
        journal.sync()
        journal.write("train", 2)
        assert journal.problem is None
        with pytest.raises(ConvnetError, match="another process is training there"):
            Journal(run / FILE_NAME)
    assert [record["step"] for record in read(run)] == [0, 1, 2]


def test_a_folder_that_another_run_took_is_left_alone(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    with Journal(run / FILE_NAME) as journal:
        journal.write("start", 0)
        run.rename(tmp_path / "moved")
        run.mkdir()
        with Journal(run / FILE_NAME) as other:
            other.write("start", 100)
            journal.write("train", 1)
            journal.sync()
            assert journal.is_taken and "another process" in journal.problem
    assert [record["step"] for record in read(run)] == [100]


def test_without_a_path_nothing_is_written():
    with Journal(None) as journal:
        assert journal.write("train", 1)["step"] == 1
        journal.sync()


def test_values_that_are_no_json_are_refused(tmp_path):
    with Journal(tmp_path / "j") as journal, pytest.raises(ValueError):
        journal.write("train", 1, cost=float("nan"))


class _Ears(Observer):
    def __init__(self):
        self.heard = []

    def on_start(self, record):
        self.heard.append(record)

    def on_train(self, record):
        self.heard.append(record)

    def on_test(self, record):
        self.heard.append(record)


def test_what_a_run_writes(tmp_path):
    run = make_run(tmp_path, epochs=2, record_every=8, save_every=5, max_batches=20)
    run.observer = _Ears()
    fit(run)
    records = read(tmp_path)
    assert [r["event"] for r in records if r["event"] != "save"] == [
        "start", "train", "train", "test", "stop",
    ]  # fmt: skip
    start, train = records[0], next(r for r in records if r["event"] == "train")
    assert (start["minibatch"], start["minibatches_per_epoch"], start["epochs"]) == (100, 16, 2)
    assert (train["step"], train["epoch"], train["cases"]) == (8, 0.5, 800)
    assert list(train["costs"]["logprob"]) == ["cost", "top-1 error", "top-3 error"]
    assert train["rates"]["hidden.weights.0"] == 0.002
    assert train["images_per_second"] > 0 and 0 <= train["wait_share"] <= 1
    assert [r["step"] for r in records if r["event"] == "save"] == [5, 10, 15, 16, 20]
    shown = [r for r in records if r["event"] in ("start", "train", "test")]
    assert run.observer.heard == shown

    go_on(tmp_path, epochs=2, record_every=8)
    records = read(tmp_path)
    assert [step for step, _ in curve(records)] == [8, 16, 24, 32]
    resumed = next(r for r in records if r["event"] == "resume")
    assert (resumed["step"], resumed["from"]) == (20, "1.4.safetensors")
    assert records[-1]["reason"] == "done"
