"""Kernels that several processes compile at once."""

import os
import subprocess
import sys
import time
from importlib import import_module

import numba
import numpy as np
import pytest

from convnet.compiling import side_by_side
from convnet.compiling.kernel_cache import is_kept
from convnet.compiling.kernels import IS_KNOWN
from convnet.compiling.replay import KernelCall
from convnet.progress import Report, Work

pytestmark = pytest.mark.skipif(not IS_KNOWN, reason="this Numba caches kernels itself")

COUNT = 6
KERNEL = """
@kernel()
def add_{0}(x):
    for i in range(x.size):
        x[i] += {0}
"""
# Takes a number, as a process does that is about to compile a kernel, and dies.
DYING = "import os, sys; os.read(int(sys.argv[1]), 4); os.kill(os.getpid(), 9)"


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """Calls of kernels in a module of their own, with a cache of their own, on two threads."""
    name = f"kernels_{tmp_path.name}".replace("-", "_")
    text = "from convnet.compiling.kernels import kernel\n" + "".join(
        KERNEL.format(number) for number in range(COUNT)
    )
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(side_by_side, "_threads", lambda: 2)
    module, x = import_module(name), np.zeros(3)
    kernels = [getattr(module, f"add_{number}").dispatcher for number in range(COUNT)]
    return [KernelCall(each, (numba.typeof(x),), (x,)) for each in kernels]


def compiled_by(calls, compile_one) -> Report:
    report = Report(Work("compiling kernels", len(calls)))
    side_by_side.compile_all(calls, compile_one, report)
    assert all(call.types in call.dispatcher.overloads for call in calls)
    return report


def compile_here(call):
    call.dispatcher.compile(call.types)


def after(condition, compile_one=compile_here):
    """A function that compiles once a condition holds."""

    def compile_later(call):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)
        compile_one(call)

    return compile_later


def values(calls) -> float:
    """What the kernels add to a number: 0 + 1 + ... if each is the right one."""
    for call in calls:
        call()
    return calls[0].arguments[0][0]


def loaded(calls) -> int:
    """How many kernels this process found on disk."""
    return sum(sum(call.dispatcher.stats.cache_hits.values()) for call in calls)


def test_another_process_compiles_kernels_that_this_one_loads(calls):
    kept = after(lambda: any(is_kept(call.dispatcher, call.types) for call in calls))
    report = compiled_by(calls, kept)
    assert loaded(calls) >= 1 and report.work.done == COUNT
    assert all(is_kept(call.dispatcher, call.types) for call in calls)
    assert values(calls) == sum(range(COUNT))


def test_what_a_killed_process_leaves_is_compiled_here(calls, monkeypatch):
    started = []

    def start_dying(numbers, answer, _jobs):
        command = [sys.executable, "-c", DYING, str(numbers)]
        started.append(subprocess.Popen(command, pass_fds=(numbers, answer)))
        return started[-1]

    monkeypatch.setattr(side_by_side, "_started", start_dying)
    compiled_by(calls, after(lambda: started[0].poll() is not None))
    assert started[0].returncode == -9
    assert loaded(calls) == 0 and values(calls) == sum(range(COUNT))


def test_processes_that_cannot_be_started_are_not_needed(calls, monkeypatch):
    def refuse(*_):
        raise OSError("no more processes")

    monkeypatch.setattr(side_by_side, "_started", refuse)
    assert compiled_by(calls, compile_here).work.done == COUNT
    assert values(calls) == sum(range(COUNT))


def test_kernels_are_compiled_where_none_can_be_kept(calls, tmp_path, capsys):
    (tmp_path / "cache").rename(tmp_path / "gone")
    (tmp_path / "cache").write_text("a file in the place of the folder")
    compiled_by(calls, compile_here)
    assert values(calls) == sum(range(COUNT))
    assert "compiled kernels cannot be kept" in capsys.readouterr().err


def test_processes_end_with_an_interrupted_compilation(calls, monkeypatch):
    started, start = [], side_by_side._started

    def starting(*arguments):
        started.append(start(*arguments))
        return started[-1]

    def interrupt(_call):
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "_started", starting)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(KeyboardInterrupt):
        compiled_by(calls, interrupt)
    assert [process.poll() is not None for process in started] == [True]
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_one_thread_means_one_process(calls, monkeypatch):
    monkeypatch.setattr(side_by_side, "_threads", lambda: 1)
    monkeypatch.setattr(side_by_side, "_started", lambda *_: pytest.fail("a process was started"))
    compiled_by(calls, compile_here)
    assert values(calls) == sum(range(COUNT))
