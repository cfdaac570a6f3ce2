"""The process of one part: `python -m benchmarks.gpu.worker PART FILE`."""

import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.gpu import records
from benchmarks.gpu.settings import settings


def context_is_lost() -> bool:
    """Whether this process can no longer use its GPU."""
    from numba import cuda

    try:
        cuda.synchronize()
    except Exception:
        return True
    return False


def simulate_if_asked() -> None:
    """In Numba's simulator run all threads in one system thread, as its tests do."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        import_module("tests.support.simulator.lockstep").install()


def main(name: str, path: Path) -> int:
    simulate_if_asked()
    writer = records.Writer(path)
    part = import_module(f"{__package__}.{name}")
    try:
        return records.run_checks(part.checks(settings()), writer, context_is_lost)
    except Exception as error:  # in what the checks share
        writer.end("setting up", "failed", 0.0, error=records.error_text(error))
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
