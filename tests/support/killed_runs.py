"""Trains the small run in children that are killed with SIGKILL at random moments.

`python killed_runs.py FOLDER KILLS SEED` prints a JSON object: what was found after each kill, and
whether the end is that of a run that was never killed.  Some kills are not left to chance: one hits
each stage of a save.  The children are forked from a process that has imported everything and
started no threads, so that a kill costs little time.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from convnet import checkpoint, journal
from convnet.checkpoint import write as writing
from convnet.train import Observer, RunFolder, fit
from tests.support.training import curve, load, make_run, newest, same

RUN = {"epochs": 40, "test_every": 7, "save_every": 2, "record_every": 3}
MINIBATCHES = 16 * RUN["epochs"]
MOMENT = 0.01  # seconds, about a minibatch
EARLY = 0.3  # share of the kills that may hit before the first minibatch


def _die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def _half(save, arrays, path, *rest):
    save(arrays, path, *rest)
    os.truncate(path, os.path.getsize(path) // 2)
    _die()


def _after(function, *arguments, **options):
    function(*arguments, **options)
    _die()


# Where in a save a kill hits: the function that is replaced, by what.
STAGES = {
    "half written": (writing, "save_file", _half),
    "written": (writing, "_sync", _die),
    "before the rename": (os, "replace", _die),
    "after the rename": (os, "replace", _after),
    "before the best": (os, "link", _die),
    "best half made": (os, "link", _after),
    "saved": (Path, "unlink", _after),
    "before removing old ones": (RunFolder, "_remove_old", _die),
}


class _Tells(Observer):
    """Writes a byte for each minibatch that is trained: from the first on all kernels are loaded.

    stage: the next save is killed there.
    """

    def __init__(self, pipe, stage=None):
        self.pipe, self.stage = pipe, stage

    def on_step(self, position, costs):
        if self.pipe is not None:
            os.write(self.pipe, b".")

    def on_save(self, path):
        if self.stage is not None:
            owner, name, replacement = STAGES[self.stage]
            original = getattr(owner, name)
            setattr(owner, name, lambda *a, **options: replacement(original, *a, **options))
            self.stage = None


def train(folder, pipe=None, stage=None):
    """Start the run of a folder, or go on with it, to its end."""
    run = make_run(folder, **RUN)
    if _checkpoints(folder):
        path = newest(folder)
        run.resume(load(path), path)
    run.observer = _Tells(pipe, stage)
    fit(run)


def _checkpoints(folder):
    return sorted(Path(folder).glob("*.safetensors"))


def fork(folder, stage=None):
    """A child that trains: (process id, the pipe it tells on)."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(ours)
            train(folder, theirs, stage)
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    return child, ours


def kill(folder, rng, startup, most) -> bool:
    """Let a child train for a random number of minibatches and a moment more, then kill it.

    At most `most` of them, however fast they are; some children do not come to the first one.
    Whether it was still at work.
    """
    child, pipe = fork(folder)
    if rng.random() < EARLY:
        time.sleep(rng.uniform(0, startup))
    else:
        for _ in range(rng.randint(1, most)):
            os.read(pipe, 1)  # empty if it ended before
        time.sleep(rng.uniform(0, MOMENT))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(pipe)
    return os.WIFSIGNALED(status)


def kill_at(folder, stage):
    """Let a child train until it is killed at that stage of its second save, or of a later one."""
    child, pipe = fork(folder, stage)
    _, status = os.waitpid(child, 0)
    os.close(pipe)
    if not os.WIFSIGNALED(status):
        raise AssertionError(f"{stage}: the child was not killed")


def inspect(folder) -> int:
    """The step of the newest checkpoint, or 0; raises if anything in the folder is not whole."""
    for path in _checkpoints(folder):
        load(path)
    step = load(newest(folder)).position.step if _checkpoints(folder) else 0
    if (Path(folder) / journal.FILE_NAME).exists():
        steps = [s for s, _ in curve(journal.read(folder)) if s <= step]
        every = [s for s in range(1, step + 1) if s % RUN["record_every"] == 0 or s % 16 == 0]
        if steps != every:
            raise AssertionError(f"records at {steps}, not at {every}")
    return step


def whole(folder) -> tuple[float, float]:
    """The run that is not killed: (seconds to its first minibatch, seconds from there on)."""
    started = time.perf_counter()
    child, pipe = fork(folder)
    os.read(pipe, 1)
    first = time.perf_counter()
    _, status = os.waitpid(child, 0)
    os.close(pipe)
    if status:
        raise AssertionError("the run that is not killed failed")
    return first - started, time.perf_counter() - first


def main(base, kills, seed):
    rng, base = random.Random(seed), Path(base)
    startup, duration = whole(base / "whole")
    startup, duration = whole(base / "warm")  # the first one may have compiled
    started, steps, strays = time.perf_counter(), [], 0
    for stage in STAGES:
        kill_at(base / "killed", stage)
        steps.append(inspect(base / "killed"))
    while len(steps) < kills:
        if not kill(base / "killed", rng, startup, MINIBATCHES // kills):
            raise AssertionError(f"the run was over after {len(steps)} kills; choose a longer one")
        steps.append(inspect(base / "killed"))
        strays += any(checkpoint.is_temporary(p.name) for p in (base / "killed").iterdir())
    train(base / "killed")
    ends = [load(newest(base / name)) for name in ("whole", "killed")]
    records = [journal.read(base / name) for name in ("whole", "killed")]
    report = {
        "steps": steps,
        "same": same(ends[0].arrays, ends[1].arrays),
        "history": ends[0].history == ends[1].history,
        "curve": curve(records[0]) == curve(records[1]),
        "tests": curve(records[0], "test") == curve(records[1], "test"),
        "strays_met": strays,
        "strays_left": sum(checkpoint.is_temporary(p.name) for p in (base / "killed").iterdir()),
        "startup": startup,
        "duration": duration,
        "seconds": time.perf_counter() - started,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
