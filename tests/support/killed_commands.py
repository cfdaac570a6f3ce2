"""Runs of `convnet train` in processes that are killed with SIGKILL, and started again as typed.

A kill hits at a random moment from the first instruction on: while Python starts, while modules are
imported, while kernels are loaded or compiled, before the first save, in a save, after the last.
Every process is given the same command; the run ends when one ends by itself.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from convnet import journal
from convnet.checkpoint import is_temporary, load, newest
from convnet.cli import main
from convnet.errors import CheckpointError
from tests.support.paths import ROOT
from tests.support.training import LAYERS, PARAMS, curve

NET = ("--layers", "net.cfg", "--params", "net.params", "--data", "digits", "--inner-size", "6")
OPTIONS = (
    *("--minibatch", "100", "--epochs", "60"),  # so many that training takes as long as starting
    *("--test-every", "7", "--save-every", "3", "--seed", "5"),
)
LONGEST = 300  # seconds of a process that is not killed
MOST = 200  # kills of one run
_LONGER = 1.04  # from kill to kill, so that a run ends also where the machine has become slower
_CACHE_LOST = 0.1  # share of the kills before which some compiled kernels are removed


@dataclass
class Kills:
    """What was hit.  moments: what the folder of the run contained, by kill.  strays: unfinished
    files that a kill left behind.  lengths: seconds that the processes lived.
    """

    moments: Counter[str] = field(default_factory=Counter)
    strays: int = 0
    lengths: list[float] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Write the files of the net."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.cfg").write_text(LAYERS)
    (folder / "net.params").write_text(PARAMS)


def command(folder: Path, save: str) -> list[str]:
    """The command that starts the run or goes on with it; the same one in every state."""
    words = [sys.executable, "-m", "convnet", "train", *NET, *OPTIONS]
    if any(each.name == "resume_or_start" for each in main.commands["train"].params):
        return [*words, "--save", save, "--resume-or-start"]
    found = list((folder / save).glob("*.safetensors"))  # this version has no such option
    if not found:
        shutil.rmtree(folder / save, ignore_errors=True)
    return [*words, *(("--resume", save) if found else ("--save", save))]


def start(folder: Path, save: str, cache: Path | None) -> subprocess.Popen:
    """Start a process; its messages are appended to a log.

    cache: folder of the compiled kernels; None for the one that all processes use.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    with open(folder / f"{save}.log", "ab") as log:
        return subprocess.Popen(
            command(folder, save), cwd=folder, env=environment, stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


def whole(folder: Path, save: str, cache: Path | None) -> float:
    """Run to the end without a kill; return the seconds."""
    started = time.monotonic()
    code = start(folder, save, cache).wait(LONGEST)
    if code:
        raise AssertionError(f"exit code {code}: {(folder / f'{save}.log').read_text()[-2000:]}")
    return time.monotonic() - started


def killed(folder: Path, save: str, cache: Path | None, seed: int, longest: float) -> Kills:
    """Kill the processes of a run, until one ends by itself before its moment has come.

    longest: seconds until the last moment of the first kill; later ones may come later.
    """
    rng, found = random.Random(seed), Kills()
    for number in range(MOST):
        if cache is not None and rng.random() < _CACHE_LOST:
            _lose_kernels(rng, cache)
        started = time.monotonic()
        process = start(folder, save, cache)
        try:
            code = process.wait(rng.uniform(0, longest * _LONGER**number))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        found.lengths.append(time.monotonic() - started)
        if code == 0:
            found.lengths.pop()
            return found
        if code != -signal.SIGKILL:
            raise AssertionError(
                f"exit code {code}: {(folder / f'{save}.log').read_text()[-2000:]}"
            )
        _note(folder / save, found)
    whole(folder, save, cache)
    return found


def _note(run: Path, found: Kills) -> None:
    """Look at what a kill left; every checkpoint must be whole."""
    if not run.is_dir():
        found.moments["no folder"] += 1
        return
    files = sorted(run.iterdir())
    found.strays += any(is_temporary(path.name) for path in files)
    whole = [path for path in files if path.suffix == ".safetensors"]
    for path in whole:
        load(path)
    found.moments["checkpoints" if whole else "no checkpoint yet"] += 1


def _lose_kernels(rng: random.Random, cache: Path) -> None:
    """Remove some compiled kernels, so that the next process compiles them again."""
    files = sorted(cache.rglob("*.nbc"))
    for path in rng.sample(files, min(2, len(files))):
        path.unlink(missing_ok=True)


def compare(folder: Path, one: str, other: str) -> list[str]:
    """Return what differs between the ends of two runs."""
    try:
        ends = [load(newest(folder / name)) for name in (one, other)]
    except CheckpointError as error:
        return [str(error)]
    arrays = [{name: array.tobytes() for name, array in end.arrays.items()} for end in ends]
    records = [journal.read(folder / name) for name in (one, other)]
    facts = {
        "position": [end.position for end in ends],
        "weights or velocities": arrays,
        "history": [end.history for end in ends],
        "curve": [curve(found) for found in records],
        "tests": [curve(found, "test") for found in records],
    }
    found = [name for name, pair in facts.items() if pair[0] != pair[1]]
    strays = [path.name for path in (folder / other).iterdir() if is_temporary(path.name)]
    return found + [f"left behind: {name}" for name in strays]
