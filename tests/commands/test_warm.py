"""`convnet warm` compiles all that a training needs, in two processes at once too."""

import os
import subprocess
import sys

import pytest

from convnet.compiling.kernels import IS_KNOWN
from tests.support.paths import ROOT
from tests.support.small_nets import COST, DATA, LAST, params_of

pytestmark = pytest.mark.skipif(not IS_KNOWN, reason="this Numba caches kernels itself")

LAYERS = DATA + LAST.replace("fca", "data") + COST
PARAMS = params_of(["fc2"]) + "[run]\nminibatch=32\n"
# Counts the functions that Numba compiles; functions that are loaded from disk do not count.
COUNTED = """
import sys
from numba.core import event
from convnet.cli import main

class Count(event.Listener):
    count = 0
    def on_start(self, event): Count.count += 1
    def on_end(self, event): pass

event.register("numba:compile", Count())
try:
    sys.exit(main(standalone_mode=False))
finally:
    print("compiled", Count.count)
"""


def started(folder, code, *arguments) -> subprocess.Popen:
    env = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "NUMBA_NUM_THREADS": "2",
    }
    command = [sys.executable, "-c", code, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=env, stdout=pipe, stderr=pipe, text=True)


def test_nothing_is_compiled_after_two_processes_have_warmed_at_once(tmp_path):
    (tmp_path / "net.cfg").write_text(LAYERS)
    (tmp_path / "net.params").write_text(PARAMS)
    warm = "warm", "net.cfg", "net.params", "--data", "synthetic:5x1x8x8"
    both = [started(tmp_path, COUNTED, *warm) for _ in range(2)]
    found = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], found
    assert all("net.cfg: its kernels are on disk" in out for out, _ in found), found
    train = "train", "--layers", "net.cfg", "--params", "net.params"
    more = "--data", "synthetic:5x1x8x8", "--max-batches", "2", "--test-every", "1"
    process = started(tmp_path, COUNTED, *train, *more)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.splitlines()[-1] == "compiled 0", out
