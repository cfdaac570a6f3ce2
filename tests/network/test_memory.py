"""A training step allocates nothing: all memory is there before the first one."""

import json
import subprocess
import sys

from tests.support.paths import ROOT

SMALL = 8000  # bytes: views of arrays, and Python's own; a float32 for each case is more


def test_no_step_allocates():
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.allocations"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout)
    assert len(peaks) > 90
    assert {name: peak for name, peak in peaks.items() if peak > SMALL} == {}
