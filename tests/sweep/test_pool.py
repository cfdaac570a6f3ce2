"""Processes at a time, their logs, and logs that another process holds."""

import fcntl
import threading
import time

import pytest

from convnet.sweep.pool import Pool, Work
from tests.support.paths import ROOT


class Owner:
    """Notes what the pool asks and tells."""

    def __init__(self, stop_after=None):
        self.events = []
        self.done = set()
        self.stop_after = stop_after  # events

    def is_done(self, work):
        return work.name in self.done

    def should_stop(self):
        return self.stop_after is not None and len(self.events) >= self.stop_after

    def on_start(self, work):
        self.events.append(("start", work.name))

    def on_wait(self, work):
        self.events.append(("wait", work.name))

    def on_end(self, work, code):
        self.events.append(("end", work.name, code))


def work(folder, name, *words):
    return Work(name, words or ("nets",), folder / name / "output.txt")


def run(owner, works, at_once=1, **environment):
    Pool(at_once, {"PYTHONPATH": str(ROOT), **environment}, owner).run(works)
    return owner.events


def test_one_after_the_other(tmp_path):
    owner = Owner()
    works = [work(tmp_path, "a"), work(tmp_path, "b", "check", "nowhere.cfg")]
    assert run(owner, works) == [
        ("start", "a"),
        ("end", "a", 0),
        ("start", "b"),
        ("end", "b", 1),
    ]
    assert "alexnet" in (tmp_path / "a/output.txt").read_text()
    assert "nowhere.cfg" in (tmp_path / "b/output.txt").read_text()


def test_several_at_a_time(tmp_path):
    events = run(Owner(), [work(tmp_path, name) for name in "abcd"], at_once=3)
    assert [event[:2] for event in events[:3]] == [("start", name) for name in "abc"]
    active = most = 0
    for event in events:
        active += 1 if event[0] == "start" else -1
        most = max(most, active)
    assert most == 3 and active == 0


def test_what_is_done_is_not_started(tmp_path):
    owner = Owner()
    owner.done = {"a"}
    assert [event[1] for event in run(owner, [work(tmp_path, "a"), work(tmp_path, "b")])] == [
        "b",
        "b",
    ]


def test_no_further_ones_after_a_stop_and_those_at_work_are_interrupted(tmp_path):
    owner = Owner(stop_after=1)
    slow = ("train", "--layers", "digits", "--epochs", "1000", "--save", str(tmp_path / "run"))
    started = time.monotonic()
    events = run(owner, [work(tmp_path, "a", *slow), work(tmp_path, "b")])
    assert [event[:2] for event in events] == [("start", "a"), ("end", "a")]
    assert events[1][2] != 0 and time.monotonic() - started < 60


def test_work_of_an_earlier_start_is_waited_for_and_not_done_twice(tmp_path):
    owner = Owner()
    held = work(tmp_path, "a")
    held.log.parent.mkdir()
    with held.log.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def end():
            owner.done.add("a")
            fcntl.flock(file, fcntl.LOCK_UN)

        timer = threading.Timer(1.5, end)
        timer.start()
        events = run(owner, [held, work(tmp_path, "b")], at_once=2)
        timer.join()
    assert events == [("wait", "a"), ("start", "b"), ("end", "b", 0)]


def test_work_that_another_process_ends_at_the_last_moment_is_not_done_twice(tmp_path):
    class Late(Owner):
        asked = 0

        def is_done(self, work):
            self.asked += 1
            return self.asked > 1  # done when the log is free

    assert run(Late(), [work(tmp_path, "a")]) == []


def test_work_of_an_earlier_start_that_was_killed_is_started(tmp_path):
    owner = Owner()
    held = work(tmp_path, "a")
    held.log.parent.mkdir()
    with held.log.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        timer = threading.Timer(0.5, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        timer.start()
        assert run(owner, [held]) == [("wait", "a"), ("start", "a"), ("end", "a", 0)]
        timer.join()


def test_a_process_holds_its_log(tmp_path):
    """Also when the process that started it is gone: the lock is the child's own."""
    locked = []

    class Looking(Owner):
        def should_stop(self):
            if self.events and self.events[-1][0] == "start":
                with (tmp_path / "a/output.txt").open("ab") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        locked.append(False)
                    except BlockingIOError:
                        locked.append(True)
            return False

    run(Looking(), [work(tmp_path, "a")])
    assert locked and locked[0]


def test_an_error_ends_the_processes(tmp_path):
    class Failing(Owner):
        def on_end(self, work, code):
            raise RuntimeError("here")

    slow = ("train", "--layers", "digits", "--epochs", "1000", "--save", str(tmp_path / "run"))
    with pytest.raises(RuntimeError, match="here"):
        run(Failing(), [work(tmp_path, "a", *slow), work(tmp_path, "b")], at_once=2)
    with (tmp_path / "a/output.txt").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody has it any more
