"""A run killed at random moments, and in each stage of a save, ends like an uninterrupted one.

`make kills` kills a thousand times.
"""

import json
import subprocess
import sys

import pytest

from tests.support.killed_commands import compare, killed, prepare, whole
from tests.support.paths import ROOT

STAGES, KILLS, SECONDS = 8, 30, 240
LAST = 0.7  # moment of a kill, as a share of the time of an undisturbed run


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_runs", tmp_path, str(STAGES + KILLS), "1"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    steps = report["steps"]
    assert len(steps) == STAGES + KILLS and steps == sorted(steps) and len(set(steps)) > KILLS / 3
    assert report["same"], "other weights or velocities than without kills"
    assert report["history"] and report["curve"] and report["tests"]
    assert report["strays_left"] == 0


@pytest.mark.slow
def test_the_same_command_ends_a_run_that_is_killed_from_the_first_instruction_on(tmp_path):
    prepare(tmp_path)
    whole(tmp_path, "warm", None)
    seconds = whole(tmp_path, "right", None)
    found = killed(tmp_path, "killed", None, seed=4, longest=seconds * LAST)
    assert len(found.lengths) > 3 and "checkpoints" in found.moments
    assert compare(tmp_path, "right", "killed") == []
