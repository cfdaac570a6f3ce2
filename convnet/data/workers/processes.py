"""Starts and ends worker processes.

They are programs of their own and never forked, since the libraries of this process have threads.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

GRACE_PERIOD = 2.0  # seconds until a worker that does not end is killed
_KILL_PERIOD = 10.0  # seconds until a worker that was killed is given up: it waits for a disk
# Environment of a worker.  Its libraries use one thread; the C library keeps freed memory, which it
# would otherwise return to the system after each task and fault in again page by page.
_LIBRARIES = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
_LIBRARIES |= {"MALLOC_TRIM_THRESHOLD_": f"{1 << 27}", "MALLOC_MMAP_THRESHOLD_": f"{1 << 25}"}


def start_worker(tasks: int, answers: int, memory: int, settings: int) -> subprocess.Popen:
    """Start a `convnet.data.workers.process.Worker` with these arguments.  OSError."""
    descriptors = tasks, answers, memory
    command = [sys.executable, "-P", "-m", "convnet.data.workers.process"]
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return subprocess.Popen(
        [*command, *map(str, descriptors), str(settings)],
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **_LIBRARIES, "PYTHONPATH": path},
        process_group=0,  # Ctrl-C reaches only the training loop, which saves first
    )


def end_all(processes: Sequence[subprocess.Popen]) -> None:
    """Wait for processes whose pipe of tasks is closed, and kill those that go on."""
    deadline = time.monotonic() + GRACE_PERIOD
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    wait_for_all(processes)


def wait_for_all(processes: Sequence[subprocess.Popen]) -> bool:
    """Wait for processes that were told to end; return whether they have.

    A process that waits for a disk does not end even when it is killed.
    """
    deadline = time.monotonic() + _KILL_PERIOD
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    return all(process.poll() is not None for process in processes)


def exit_message(process: subprocess.Popen) -> str:
    """Return a line about a worker that has ended by itself."""
    code = process.returncode
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return (
        f"a data worker (process {process.pid}) {how}; did it run out of memory? Fewer --workers "
        "need less"
    )
