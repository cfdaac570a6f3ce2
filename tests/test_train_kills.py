"""A run killed at random moments and in each stage of a save, ends like one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STAGES, KILLS, SECONDS = 8, 30, 240


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again(tmp_path):
    script = Path(__file__).with_name("killed_runs.py")
    found = subprocess.run(
        [sys.executable, script, tmp_path, str(STAGES + KILLS), "1"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    steps = report["steps"]
    assert len(steps) == STAGES + KILLS and steps == sorted(steps) and len(set(steps)) > KILLS / 3
    assert report["same"], "other weights or velocities than without kills"
    assert report["history"] and report["curve"] and report["tests"]
    assert report["strays_left"] == 0
