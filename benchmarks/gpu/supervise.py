"""Run a part's process until its checks are done or its time is over, and replace one that dies.

It does not import CUDA.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu import records

POLL_SECONDS = 0.2
QUIET_SECONDS = 60  # the time limit of a check
LOG_LINES = 15


@dataclass
class Ran:
    """The outcome of a part.  status: ok, failed or "out of time".  note: why processes ended."""

    status: str
    seconds: float
    records: list[dict]
    note: str = ""


def supervise(
    command: list[str],
    lines: Path,
    seconds: float,
    *,
    quiet_seconds: float = QUIET_SECONDS,
    environment: dict | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    popen: Callable[..., subprocess.Popen] = subprocess.Popen,
) -> Ran:
    """Run `command` until the part is done; return its outcome.

    lines: the file of records that the command appends to.  quiet_seconds: the time limit of a
    check.
    """
    log, started, note = lines.with_suffix(".log"), clock(), ""
    status = ""
    while not status:
        begun = len(records.read(lines))
        left = seconds - (clock() - started)
        with log.open("ab") as output:
            process = popen(
                command, stdout=output, stderr=output, env=environment, start_new_session=True
            )
            ended = _wait(process, lines, left, quiet_seconds, clock, sleep)
        code = process.returncode
        if ended == "out of time":
            status = ended
        elif code == 0 and ended == "done":
            status = "done"
        elif len(records.read(lines)) == begun:
            status, note = "failed", f"ended with code {code}: {_tail(log)}"
        elif code != records.LOST:
            why = "gave no sign" if ended == "quiet" else f"ended with code {code}"
            note = f"a process {why}; its log is {log}"
    found = records.finished(records.read(lines))
    bad = any(record["status"] == "failed" for record in found)
    if status == "done":
        status = "failed" if bad or not found else "ok"
    return Ran(status, round(clock() - started, 1), found, note)


def _wait(process, lines, seconds, quiet_seconds, clock, sleep) -> str:
    """Wait for a process; "done", or, if it was stopped, "quiet" or "out of time"."""
    started = changed = clock()
    size = _size(lines)
    while process.poll() is None:
        sleep(POLL_SECONDS)
        now = clock()
        if _size(lines) != size:
            size, changed = _size(lines), now
        if now - started > seconds:
            return stop(process) or "out of time"
        if now - changed > quiet_seconds:
            return stop(process) or "quiet"
    return "done"


def stop(process: subprocess.Popen) -> None:
    """End a process and all its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _tail(log):
    text = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(text[-LOG_LINES:])
