"""What becomes of a run whose folder cannot be written, or that an error in the program ends."""

import errno
import os
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import pytest

from convnet import journal
from convnet.checkpoint import BEST, load, newest
from convnet.checkpoint import write as writing
from convnet.errors import CheckpointError
from convnet.train import Observer, fit, saving
from tests.support.training import go_on, make_run, same, state


class Does(Observer):
    """Calls functions at steps, and collects the messages: Does({4: function})."""

    def __init__(self, plan):
        self.plan, self.messages = plan, []

    def on_step(self, position, costs):
        self.plan.get(position.step, lambda: None)()

    def on_message(self, text):
        self.messages.append(text)


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """Lets saves fail where `disk.full` is true; folders for temporary files are in tmp_path."""

    class Disk:
        full = False

    real = writing.save_file

    def save_file(arrays, path, *rest):
        if Disk.full and "convnet-run-" not in str(path):
            Path(path).write_bytes(b"a part")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(arrays, path, *rest)

    monkeypatch.setattr(writing, "save_file", save_file)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return Disk


@pytest.fixture(scope="module")
def whole():
    run = make_run(epochs=1)
    fit(run)
    return state(run)


def fills(disk, full):
    return lambda: setattr(disk, "full", full)


def test_a_full_disk_does_not_end_a_run(tmp_path, disk, whole):
    folder = tmp_path / "run"
    run = make_run(folder, epochs=1, save_every=2)
    left = []

    def look():
        left.extend(sorted(path.name for path in folder.glob("*.safetensors")))
        disk.full = False

    run.observer = Does({3: fills(disk, True), 9: look})
    outcome = fit(run)
    assert (outcome.reason, outcome.exit_code) == ("done", 0)
    assert left == ["0.2.safetensors"]  # the earlier checkpoint stays until another is whole
    failed, works = run.observer.messages
    assert "0.4.safetensors: cannot be saved (No space left on device). Training goes on" in failed
    assert f"newest whole checkpoint: {folder}/0.2.safetensors" in failed
    assert "0.10.safetensors: saved" in works
    assert same(load(newest(folder)).arrays, whole)


def test_a_save_that_failed_is_tried_again_soon(tmp_path, disk, monkeypatch):
    run = make_run(tmp_path / "run", epochs=1, save_every=3)
    monkeypatch.setattr(saving, "RETRY_INTERVAL", 0.0)
    run.observer = Does({2: fills(disk, True), 4: fills(disk, False)})
    run.observer.on_save = lambda path: saved.append(path.name)
    saved = []
    fit(run)
    assert saved[0] == "0.4.safetensors"


def test_what_cannot_be_saved_at_the_end_is_saved_elsewhere(tmp_path, disk, whole):
    folder = tmp_path / "run"
    run = make_run(folder, epochs=1, save_every=4)
    run.observer = Does({5: fills(disk, True)})
    outcome = fit(run)
    assert outcome.exit_code == 1 and outcome.reason == "done"
    (place,) = (tmp_path / "temporary").iterdir()
    assert outcome.checkpoint == place / "1.0.safetensors"
    assert f"the run is saved in {place} instead" in run.observer.messages[-1]
    assert same(load(newest(place)).arrays, whole)
    assert journal.read(place)[-1]["event"] == "stop"
    assert newest(folder).name == "0.4.safetensors"
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_where_nothing_can_be_saved_the_newest_checkpoint_is_named(tmp_path, disk, monkeypatch):
    folder = tmp_path / "run"
    run = make_run(folder, epochs=1, save_every=4)
    run.observer = Does({5: fills(disk, True)})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert fit(run).exit_code == 1
    assert run.observer.messages[-1].endswith(f"newest whole checkpoint: {folder}/0.4.safetensors")


def test_a_best_checkpoint_that_could_not_be_written_is_written_later(tmp_path, disk):
    """The test after 7 minibatches is the best so far, as the first; its save fails."""
    run, best = make_run(tmp_path / "run", epochs=1, test_every=7, save_every=2), {}

    def look(path):
        if path.name in ("0.8.safetensors", "0.10.safetensors"):
            best[path.name] = load(path.parent / BEST)

    run.observer = Does({6: fills(disk, True), 9: fills(disk, False)})
    run.observer.on_save = look
    fit(run)
    assert [saved.position.step for saved in best.values()] == [7]


def test_a_folder_that_vanished_is_made_again(tmp_path, whole):
    folder = tmp_path / "run"
    run = make_run(folder, epochs=1, save_every=4)
    run.observer = Does({6: lambda: shutil.rmtree(folder)})
    assert fit(run).exit_code == 0
    assert same(load(newest(folder)).arrays, whole)
    events = [record["event"] for record in journal.read(folder)]
    assert events[0] == "start" and events[-1] == "stop" and events.count("save") >= 4


def test_another_run_in_the_place_of_the_folder_is_left_alone(tmp_path, disk):
    folder, others = tmp_path / "run", []
    run = make_run(folder, epochs=1, save_every=4)

    def take():
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        others.append(journal.Journal(folder / "journal.jsonl"))

    run.observer = Does({6: take})
    assert fit(run).exit_code == 1
    others[0].close()
    assert not list(folder.glob("*.safetensors"))
    assert "another process is training there" in run.observer.messages[-1]
    assert newest(tmp_path / "temporary").name == "1.0.safetensors"


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("convnet.train.run_folder.TemporaryFile", refuse)
    with pytest.raises(CheckpointError, match="folder of a run .permission denied"):
        make_run(tmp_path / "run")


def test_an_error_in_the_program_saves_the_run(tmp_path, whole):
    run = make_run(tmp_path, epochs=1)

    def fail():
        raise KeyError("an error of ours")

    run.observer = Does({5: fail})
    with pytest.raises(KeyError) as raised:
        fit(run)
    assert raised.value.__notes__ == [f"the run is saved: {tmp_path}/0.5.safetensors"]
    assert raised.value.folder == tmp_path
    assert same(state(go_on(tmp_path, epochs=1)[0]), whole)


def test_a_minibatch_that_is_half_done_is_not_saved(tmp_path):
    run = make_run(tmp_path, epochs=1, save_every=4)
    train, calls = run.network.run, []

    def fail(program):
        train(program)
        calls.append(program)
        if len(calls) == 6:
            raise MemoryError

    run.network.run = fail
    with pytest.raises(MemoryError) as raised:
        fit(run)
    assert raised.value.__notes__ == [f"the newest whole checkpoint: {tmp_path}/0.4.safetensors"]
    assert newest(tmp_path).name == "0.4.safetensors"


def test_a_trace_that_cannot_be_written_does_not_end_a_run(tmp_path):
    run = make_run(tmp_path, epochs=1)
    run.trace = tmp_path / "missing" / "trace.json"
    run.observer = Does({})
    assert fit(run).reason == "done"
    assert re.search(
        r"trace.json: the trace cannot be written \(no such file", run.observer.messages[0]
    )


def signal_soon(seconds=0.3):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()


def test_a_signal_ends_waiting_for_data(tmp_path, monkeypatch):
    """The data never comes: the run is saved all the same, and its threads are left behind."""
    monkeypatch.setattr("convnet.data.pipeline.prefetch._GRACE_PERIOD", 0.1)
    run, never = make_run(tmp_path, epochs=1), threading.Event()
    make = run.train.minibatch

    def minibatch(epoch, index, *buffers):
        if index == 5:
            signal_soon()
            never.wait(60)
        return make(epoch, index, *buffers)

    run.train.minibatch = minibatch
    outcome = fit(run)
    never.set()
    assert (outcome.reason, outcome.exit_code) == ("SIGTERM", 143)
    assert newest(tmp_path).name == "0.5.safetensors"


def test_a_signal_ends_the_compilation_of_the_first_minibatch(tmp_path):
    run = make_run(tmp_path, epochs=1)

    def compile_for_long(program):
        signal_soon(0.1)
        threading.Event().wait(60)

    run.network.run = compile_for_long
    outcome = fit(run)
    assert (outcome.reason, outcome.checkpoint) == ("SIGTERM", None)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_signal_ends_the_compilation_of_a_test(tmp_path, whole):
    run = make_run(tmp_path, epochs=1, test_every=3)
    train = run.network.run

    def slow_test(program):
        if program == "test":
            signal_soon(0.1)
            threading.Event().wait(60)
        train(program)

    run.network.run = slow_test
    assert fit(run).exit_code == 143
    assert newest(tmp_path).name == "0.3.safetensors"
    assert same(state(go_on(tmp_path, epochs=1, test_every=3)[0]), whole)
