"""Sweeps in processes that are killed with SIGKILL or interrupted, and started again as typed."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from convnet.checkpoint import load, newest
from tests.support.paths import ROOT

EPOCHS, SEEDS = 40, 2
WORDS = (
    *("--layers", "digits", "--device", "cpu", "--minibatch", "128", "--epochs", str(EPOCHS)),
    *("--set", "fc3.outputs=20", "--try", "fc4.epsW=0.001", "--try", "fc4.epsW=0.01"),
    *("--seeds", str(SEEDS), "--threads", "1"),
)
LONGEST = 120  # seconds of anything


_started: "list[subprocess.Popen[bytes]]" = []


def start(folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    """Start the sweep of a folder, or go on with it; its messages are appended to a log."""
    words = [sys.executable, "-m", "convnet", "sweep", *WORDS, "--out", str(folder), *more]
    with open(f"{folder}.log", "ab") as log:
        process = subprocess.Popen(
            words, stdout=log, stderr=log, start_new_session=True, cwd=folder.parent,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what a failed test has left."""
    for process in _started:
        if process.poll() is None:
            kill(*children(process), process.pid)
            process.wait()
    _started.clear()


def children(process: "subprocess.Popen[bytes]") -> list[int]:
    """The processes of the runs that are at work."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [pid for pid, parent in pairs if parent == process.pid]


def wait_until(is_so, what: str) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + LONGEST
    while not is_so():
        if time.monotonic() > limit:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.005)


def is_in_the_middle(folder: Path, run: str) -> bool:
    """Whether a run has saved, and still has epochs to train."""
    names = {path.name for path in (folder / run).glob("[0-9]*.safetensors")}
    return bool(names) and f"{EPOCHS}.0.safetensors" not in names


def send(number: int, *pids: int) -> list[int]:
    """Send a signal to processes; return those that had not ended before."""
    reached = []
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            reached.append(pid)
    return reached


def kill(*pids: int) -> None:
    send(signal.SIGKILL, *pids)


def runs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def ends(folder: Path) -> dict[str, dict[str, bytes]]:
    """The weights and velocities of each run, and the tests."""
    found = {}
    for run in runs(folder):
        saved = load(newest(run))
        arrays = {name: array.tobytes() for name, array in saved.arrays.items()}
        tests = json.dumps(saved.history["test"], sort_keys=True).encode()
        found[run.name] = {**arrays, "tests": tests}
    return found
