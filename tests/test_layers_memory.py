"""A training step allocates nothing: all memory is there before the first one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import convnet

SMALL = 8000  # bytes: views of arrays, and Python's own; a float32 for each case is more


def test_no_step_allocates():
    script = Path(__file__).with_name("allocations.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(convnet.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout)
    assert len(peaks) > 90
    assert {name: peak for name, peak in peaks.items() if peak > SMALL} == {}
