"""`python -m tests.scripts.rank_kills --count 200`: kills ranks, and their launcher, of short runs.

Each run has two ranks, one of which is killed at a random moment, or mpiexec itself.  The job has
to end within 15 s with an exit code other than 0 and leave no process; going on with another number
of ranks has to end with the bits of a run that was never killed.  Otherwise the exit code is 1.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from convnet.checkpoint import load, newest
from tests.support.mpi_command import (
    alive,
    descendants,
    finished,
    mpiexec,
    ranks_of,
    replicated_digits,
    start,
)
from tests.support.paths import ROOT
from tests.support.training import same

WITHIN = 15.0  # seconds until everything has ended
TARGETS = ("rank 0", "rank 1", "launcher")
SCHEDULE = "--epochs", "3", "--test-every", "20", "--save-every", "5"


@dataclass
class Kill:
    """What a kill led to.  step: of the newest checkpoint, 0 if there is none."""

    target: str
    after: float
    seconds: float
    code: int
    left: int
    step: int
    resumed_on: int
    is_same: bool

    @property
    def is_good(self) -> bool:
        ended = self.seconds < WITHIN and self.code != 0 and self.left == 0
        return ended and self.is_same


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scripts.rank_kills", description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        return kill_ranks(folder, arguments.count, random.Random(arguments.seed))
    finally:
        shutil.rmtree(folder)


def kill_ranks(folder: Path, count: int, rng: random.Random) -> int:
    layers = replicated_digits(folder, "0,1", "0,1")
    _whole(folder / "warm", layers)  # may compile
    started = time.monotonic()
    _whole(folder / "right", layers)
    duration = time.monotonic() - started
    print(f"an undisturbed run takes {duration:.1f} s", flush=True)
    print("kill  target    after s  ends in s  code  left  saved at  resumed on  same bits")
    kills: list[Kill] = []
    while len(kills) < count:
        kill = _kill(folder, layers, rng, duration)
        if kill is None:  # it was over before
            duration *= 0.8
            continue
        kills.append(kill)
        print(
            f"{len(kills):4}  {kill.target:8}  {kill.after:7.2f}  {kill.seconds:9.2f}  "
            f"{kill.code:4}  {kill.left:4}  {kill.step:8}  {kill.resumed_on:10}  "
            f"{'yes' if kill.is_same else 'NO'}",
            flush=True,
        )
    bad = [kill for kill in kills if not kill.is_good]
    targets = ", ".join(f"{n} of {t}" for t, n in sorted(Counter(k.target for k in kills).items()))
    longest = max(kill.seconds for kill in kills)
    unsaved = sum(not kill.step for kill in kills)
    print(
        f"{len(kills)} kills: {targets}; the longest end {longest:.1f} s; {unsaved} before a save"
    )
    print("all good" if not bad else f"{len(bad)} BAD")
    return 1 if bad else 0


def _command(folder: Path, layers: Path) -> list[object]:
    params = ROOT / "params/digits.params"
    return ["train", "--layers", layers, "--params", params, "--save", folder, *SCHEDULE]


def _whole(folder: Path, layers: Path) -> None:
    _good(2, *_command(folder, layers))


def _good(ranks: int, *arguments: object) -> None:
    code, out, err = mpiexec(ranks, *arguments, timeout=300)
    if code:
        raise AssertionError(out + err)


def _kill(folder: Path, layers: Path, rng: random.Random, duration: float) -> Kill | None:
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    target, after, other = rng.choice(TARGETS), rng.uniform(0.2, 0.9) * duration, rng.choice((1, 2))
    process = start(2, *_command(run, layers))
    time.sleep(after)
    pids, ranks = descendants(process.pid), ranks_of(process)
    if process.poll() is not None:
        return None
    victim = process.pid if target == "launcher" else ranks.get(int(target[-1]), process.pid)
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    code = finished(process, 60)[0]
    while alive(pids) and time.monotonic() - killed < WITHIN:
        time.sleep(0.02)
    seconds, left = time.monotonic() - killed, len(alive(pids))
    for pid in alive(pids):
        os.kill(pid, signal.SIGKILL)
    if code == 0:  # the kill came after the work was done
        return None
    step = load(newest(run)).position.step if list(run.glob("*.safetensors")) else 0
    _good(other, *_command(run, layers), "--resume-or-start")
    ends = [load(newest(each)).arrays for each in (folder / "right", run)]
    return Kill(target, after, seconds, code, left, step, other, same(*ends))


if __name__ == "__main__":
    sys.exit(main())
