"""`mpiexec -n N convnet ...` as a user types it."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.paths import ROOT

needs_mpi = pytest.mark.skipif(find_spec("mpi4py") is None, reason="the extra mpi is not installed")


CONVNET = [sys.executable, "-m", "convnet"]


def command(ranks, *arguments, program=CONVNET):
    """The command line; one thread a rank, so that tests take no more than their cores."""
    launcher = Path(sys.executable).with_name("mpiexec")
    name = str(launcher) if launcher.exists() else "mpiexec"
    return [name, "-n", str(ranks), *program, *map(str, arguments)]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1", **more}


def start(ranks, *arguments, program=CONVNET, **more):
    return subprocess.Popen(
        command(ranks, *arguments, program=program),
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def mpiexec(ranks, *arguments, timeout=120, **more):
    """Run to the end; (exit code, stdout, stderr)."""
    process = start(ranks, *arguments, **more)
    return finished(process, timeout)


def finished(process, timeout=120):
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"it hangs\n{out}\n{err}") from None
    return process.returncode, out, err


def children(pid):
    """The process ids of the children of a process, from /proc."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            found += [int(each) for each in task.read_text().split()]
    return found


def descendants(pid):
    """The process ids of all that a process has started, directly or not."""
    mine = children(pid)
    return mine + [each for child in mine for each in descendants(child)]


def ranks_of(process):
    """{rank: process id} of what an mpiexec has started."""
    found = {}
    for pid in descendants(process.pid):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            name = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        rank = next((v[9:] for v in variables if v.startswith(b"PMI_RANK=")), None)
        if rank is not None and b"convnet" in name:
            found.setdefault(int(rank), pid)
    return found


def alive(pids):
    """Those of the processes that have not ended."""
    return [pid for pid in pids if _state(pid) not in ("", "Z", "X")]


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def replicated_digits(folder, conv, fc):
    """The layer file of the digits on several devices."""
    text = (ROOT / "layers/digits.cfg").read_text()
    sections = text.split("\n\n")
    for number, section in enumerate(sections):
        name = re.match(r"\[(\w+)\]", section)
        gpus = {"conv1": conv, "conv2": conv, "fc3": fc, "fc4": fc}.get(name[1] if name else "")
        if gpus:
            sections[number] = f"{section.rstrip()}\ngpu={gpus}"
    path = folder / f"digits-{conv}-{fc}.cfg".replace(",", "")
    path.write_text("\n\n".join(sections) + "\n")
    return path
