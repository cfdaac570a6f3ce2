"""Part "cases": the tests of tests/gpu, divided among processes that share the GPU.

The launcher runs this part; it does not import CUDA.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.gpu.supervise import Ran, supervise

MOST_PROCESSES = 8
SINGLE_THREADED = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), "2")


def run(
    folder: Path, seconds: float, environment: dict, launcher: list[str], pick: str = ""
) -> Ran:
    """Run all tests, or those that pytest's -k selects."""
    count = max(1, min(MOST_PROCESSES, (os.cpu_count() or 1) - 1))
    started = time.monotonic()

    def share(number: int) -> Ran:
        lines = folder / f"cases-{number}.jsonl"
        mine = {
            **environment,
            **SINGLE_THREADED,
            "CONVNET_GPU_TESTS": "1",
            "CONVNET_GPU_SHARD": f"{number}/{count}",
            "CONVNET_GPU_RECORDS": str(lines),
        }
        return supervise(command(pick, launcher), lines, seconds, environment=mine)

    with ThreadPoolExecutor(count) as pool:
        ran = list(pool.map(share, range(1, count + 1)))
    return joined(ran, time.monotonic() - started)


def command(pick: str, launcher: list[str]) -> list[str]:
    """Return the command of one process.  launcher: what runs a Python module.

    It exits with 0 also where tests fail: the records have the failures.  The cache provider is off
    because all processes would write the same files.
    """
    found = [*launcher, "-m", "benchmarks.gpu.pytest_worker", "tests/gpu", "-q", "--tb=short"]
    return [*found, "-p", "no:cacheprovider", *(["-k", pick] if pick else [])]


def joined(ran: list[Ran], seconds: float) -> Ran:
    """Join the processes' outcomes: out of time if one of them is, else failed if one is."""
    statuses = {one.status for one in ran}
    status = next((s for s in ("out of time", "failed") if s in statuses), "ok")
    records = [record for one in ran for record in one.records]
    notes = "; ".join(one.note for one in ran if one.note)
    return Ran(status, round(seconds, 1), records, notes)
