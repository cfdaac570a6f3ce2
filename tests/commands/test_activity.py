"""What the command line shows of long work: compiling kernels, reading pictures."""

import sys
import time
from threading import Thread

import numpy as np
import pytest

from convnet.commands.output import activity, progress_bar
from convnet.commands.output.activity import Activity
from convnet.progress import Report, Work, reported, shown_by
from convnet.stored import cache
from tests.support.command_line import good
from tests.support.picture_folders import write_classes


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return True


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(activity, "_FIRST", 0.05)
    monkeypatch.setattr(activity, "_EVERY", 0.2)


def lines(capsys):
    return capsys.readouterr().err.splitlines()


def shown_next(capsys):
    """The lines that are shown next, whenever a busy machine comes to it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := lines(capsys):
            return found
        time.sleep(0.02)
    raise AssertionError("nothing is shown")


def test_short_work_is_not_shown(capsys):
    with shown_by(Activity()), reported("reading", 10, "pictures") as report:
        report.advance(10)
    assert not lines(capsys)


def test_long_work_is_shown_every_few_seconds(capsys, quick):
    with shown_by(Activity()), reported("reading", 10_000, "pictures") as report:
        assert shown_next(capsys)[0] == "reading: 0 of 10,000 pictures"
        report.advance(1_200)
        lines(capsys)
        assert shown_next(capsys)[0] == "reading: 1,200 of 10,000 pictures"
    lines(capsys)
    time.sleep(0.5)  # nothing is shown when it has ended
    assert not lines(capsys)


def test_work_without_a_total_and_work_within_work(capsys, quick):
    with shown_by(Activity()):
        with reported("waiting"):
            with reported("listing", unit="pictures") as report:
                report.reach(1_000)
                lines(capsys)
                assert set(shown_next(capsys)) == {"listing: 1,000 pictures"}
                assert set(shown_next(capsys)) == {"listing: 1,000 pictures"}
            lines(capsys)
            assert set(shown_next(capsys)) == {"waiting"}


def test_without_a_display_nothing_happens(capsys):
    with reported("reading", 2) as report:
        report.advance(2)
    assert not lines(capsys) and report.work.done == 2


def test_a_display_shows_the_work_of_all_threads(capsys, quick):
    def work():
        with reported("compiling a kernel"):
            time.sleep(1)

    with shown_by(Activity()):
        threads = [Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(lines(capsys)) == {"compiling a kernel"}


def test_a_terminal_shows_one_bar_for_all_work(monkeypatch, quick):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with shown_by(Activity()):
        first = Report(Work("reading", 40, "pictures"))
        second = Report(Work("compiling kernels", 34))
        deadline = time.monotonic() + 30
        while len(getattr(progress_bar.BAR._bar, "tasks", ())) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        first.advance(7)
        second.advance(12)
        bar = progress_bar.BAR._bar
        bar.refresh()
        assert {task.description for task in bar.tasks} == {"reading", "compiling kernels"}
        progress_bar.BAR.print("a line above")
        first.end()
        assert progress_bar.BAR._bar is bar
        second.end()
        assert progress_bar.BAR._bar is None
    assert "7 of 40 pictures" in terminal.text and "12 of 34" in terminal.text
    assert "a line above" in terminal.text


# -- what reports --------------------------------------------------------------------------------


class Seen:
    """A display that remembers."""

    def __init__(self):
        self.works = []

    def began(self, work):
        self.works.append(work)

    def advanced(self, work):
        pass

    def ended(self, work):
        work.what += " (ended)"


def test_kernels_to_compile_are_counted_and_none_when_they_are_on_disk(tmp_path):
    from convnet.compiling.building import compiled
    from convnet.compiling.kernels import kernel
    from convnet.compiling.replay import captured, repeatable

    @kernel()
    def fill(x, value):
        for i in range(x.size):
            x[i] = value

    @kernel()
    def double(x):
        for i in range(x.size):
            x[i] *= 2

    @repeatable
    def both(x):
        fill(x, 1.0)
        double(x)
        fill(x, 2.0)
        double(x[1:])

    def work(function):
        seen = Seen()
        with shown_by(seen):
            function()
        return [(work.what, work.done, work.total) for work in seen.works]

    for each in (fill, double):
        each.dispatcher._cache.flush()
    x, calls = np.zeros(3), []
    assert work(lambda: calls.extend(compiled(captured(both, x)))) == [
        ("compiling kernels (ended)", 2, 2)
    ]
    for call in calls:
        call()
    assert x.tolist() == [2.0, 4.0, 4.0]
    assert not work(lambda: compiled(captured(both, x)))  # they are in memory
    assert work(lambda: fill(np.zeros(3, np.float32), 1.0)) == [
        ("compiling a kernel (ended)", 0, None)
    ]
    for each in (fill, double):  # they are on disk: loaded, not compiled
        each.dispatcher.overloads.clear()
    assert not work(lambda: compiled(captured(both, x)))
    for each in (fill, double):
        each.dispatcher._cache.flush()


def test_pictures_that_are_read_are_counted(tmp_path, monkeypatch):
    from convnet.data import open_dataset

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    write_classes(tmp_path / "photos", 30)
    seen = Seen()
    with shown_by(seen):
        open_dataset(tmp_path / "photos", side=8).mean_image()
    found = [(work.what.partition(" ")[0], work.done, work.total) for work in seen.works]
    assert found == [("listing", 0, None), ("reading", 90, 90)]


def test_a_run_says_that_it_waits_for_its_first_minibatch(tmp_path, monkeypatch):
    monkeypatch.setattr(activity, "_FIRST", 0.0)
    out = good("train", "--layers", "digits", "--max-batches", 1, "--save", tmp_path / "run")
    assert "waiting for the first minibatch" in out.output
