"""The plugin of pytest: faults fail the test that caused them, work that is late included."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

TESTS = """
import numpy as np
from numba import cuda

@cuda.jit
def shift(x, y, count):
    i = cuda.grid(1)
    if i < count:
        y[i] = x[i] + 1

def launched(count):
    x, y = cuda.to_device(np.arange(64.0)), cuda.device_array(64)
    stream = cuda.stream()
    shift[1, 96, stream](x, y, count)

def test_good():
    launched(64)

def test_bad():
    try:
        launched(65)
    except Exception:
        pass

def test_good_again():
    launched(64)
"""


@pytest.mark.parametrize("options", [{}, {"EMULATOR_LATE": "1", "EMULATOR_SEED": "2"}], ids=str)
def test_a_fault_fails_the_test_that_caused_it(tmp_path, options):
    (tmp_path / "test_it.py").write_text(TESTS)
    plugins = "-p", "emulator.pytest_plugin", "-p", "no:cacheprovider"
    words = "-n", "0", "-rA", "-q", "-W", "ignore", str(tmp_path)
    command = [sys.executable, "-m", "pytest", *plugins, *words]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **options, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = {line.split()[1].rpartition("::")[2]: line.split()[0] for line in
                done.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))}  # fmt: skip
    assert outcomes == {"test_good": "PASSED", "test_bad": "FAILED", "test_good_again": "PASSED"}
    assert "address" in done.stdout and "emulated: 1 GPU of 8.0" in done.stdout
