"""A sweep that is killed, or interrupted, and started again ends like an uninterrupted one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convnet.runs import summary_of
from tests.support.killed_sweeps import (
    EPOCHS,
    LONGEST,
    children,
    end_all,
    ends,
    is_in_the_middle,
    kill,
    runs,
    send,
    start,
    wait_until,
)
from tests.support.paths import ROOT

FIRST, SECOND = "fc4.epsW=0.001-seed0", "fc4.epsW=0.01-seed0"

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    end_all()


def table(folder):
    """The table without the times, which no two sweeps share."""
    words = ["sweep", "--out", str(folder), "--table", "--json"]
    printed = subprocess.run(
        [sys.executable, "-m", "convnet", *words],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    found = json.loads(printed.stdout)
    for row in found["rows"]:
        for each in (row, *row["runs"]):
            del each["seconds"]
    return found


def log(folder):
    return Path(f"{folder}.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    assert start(folder).wait(LONGEST) == 0, log(folder)
    assert len(runs(folder)) == 4
    return folder


def finish(folder, whole, *more):
    assert start(folder, *more).wait(LONGEST) == 0, log(folder)
    assert ends(folder) == ends(whole)
    assert table(folder) == table(whole)


def journal(folder, run):
    lines = (folder / run / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_the_sweep_and_its_runs_are_killed(whole, tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder)
    wait_until(lambda: is_in_the_middle(folder, SECOND), "the second run is in the middle")
    at_work = children(process)
    kill(process.pid, *at_work)
    process.wait()
    assert len(at_work) == 1
    expected = {FIRST: "done", SECOND: "killed"}  # once the kernel has ended the process
    wait_until(
        lambda: {run.name: summary_of(run).state for run in runs(folder)} == expected,
        "the second run is seen to be killed",
    )
    found = table(folder)
    assert [row["finished"] for row in found["rows"]] == [1, 0]
    finish(folder, whole)
    assert journal(folder, FIRST).count("start") == 1 and "resume" not in journal(folder, FIRST)
    assert journal(folder, SECOND).count("resume") == 1


def test_only_the_sweep_is_killed_and_its_runs_go_on(whole, tmp_path):
    """The new one waits for them instead of training the same run twice."""
    folder = tmp_path / "sweep"
    process = start(folder, "--jobs", "2")
    wait_until(lambda: is_in_the_middle(folder, SECOND), "the second run is in the middle")
    stopped = send(signal.SIGSTOP, *children(process))  # so that they last
    kill(process.pid)
    process.wait()
    second = start(folder)
    try:
        wait_until(lambda: "a process of an earlier start still trains" in log(folder), "it waits")
    finally:
        send(signal.SIGCONT, *stopped)  # a child that had ended is gone with its parent
    assert second.wait(LONGEST) == 0, log(folder)
    assert "resume" not in journal(folder, SECOND)
    finish(folder, whole)


def test_two_sweeps_in_one_folder(tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder)
    try:
        wait_until(lambda: (folder / FIRST / "output.txt").exists(), "the first run begins")
        assert start(folder).wait(LONGEST) == 1
        assert "another process trains this sweep; --table prints" in log(folder)
    finally:
        kill(*children(process), process.pid)
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_saves_says_how_to_go_on_and_goes_on(whole, tmp_path, number):
    folder = tmp_path / "sweep"
    process = start(folder, "--jobs", "2")
    wait_until(lambda: is_in_the_middle(folder, SECOND), "the second run is in the middle")
    os.kill(process.pid, number)
    assert process.wait(LONGEST) == 128 + number, log(folder)
    assert f"stopped by {number.name}: " in log(folder)
    assert f"convnet sweep --out {folder}" in log(folder)
    assert "Traceback" not in log(folder)
    facts = summary_of(folder / SECOND)
    assert (facts.state, facts.reason) == ("stopped", "SIGINT") or facts.epochs == EPOCHS
    finish(folder, whole)


def test_a_second_interrupt_stops_at_once(tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder)
    wait_until(lambda: is_in_the_middle(folder, FIRST), "the first run is in the middle")
    (pid,) = children(process)
    os.kill(pid, signal.SIGSTOP)  # a run that does not answer
    os.kill(process.pid, signal.SIGINT)
    wait_until(lambda: "SIGINT" in log(folder), "the sweep has met the signal")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(LONGEST) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
