"""Some tests of tests/gpu as `make gpu` runs them: divided, recorded, continued."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu import records
from tests.support.paths import ROOT


def run(path: Path, shard: str, pick: str) -> list[dict]:
    """Run a process; return its records so far."""
    mine = {"CONVNET_GPU_TESTS": "1", "CONVNET_GPU_REHEARSAL": "1", "PYTHONPATH": str(ROOT),
            "CONVNET_GPU_SHARD": shard, "CONVNET_GPU_RECORDS": str(path)}  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.gpu.pytest_worker", "tests/gpu", "-q", "-k", pick]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **mine}, check=True, capture_output=True)
    return records.read(path)


def test_rows_are_recorded_and_another_process_goes_on(tmp_path):
    path, name = tmp_path / "cases.jsonl", "test_row[sum2-alone]"
    records.Writer(path).start("test_row[cost: x-alone]")  # of a process that died in it
    lines = run(path, "1/1", "sum2-alone and not gsum2")
    begun, ended = lines[-2:]
    assert begun == {"start": name}
    assert ended["name"] == name and ended["status"] == "ok", ended
    assert 0 < ended["figures"]["train"] < 2e-5
    assert run(path, "1/1", "sum2-alone and not gsum2") == lines, "nothing is done twice"
