"""Kernels compiled in several processes at once, which leave them in the cache on disk.

Numba compiles in one thread.  Each process, this one among them, takes the number of its next
kernel from a pipe that holds all of them from the start, so that none waits for another.  In the
end this process loads what the others compiled, and compiles what is not there: because a process
was killed, or because nothing can be kept on disk.

The processes are programs of their own and never forked, since Numba's threads may be running.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import numba

from convnet.compiling.kernel_cache import KernelFiles
from convnet.compiling.replay import KernelCall
from convnet.compiling.worker import NUMBER, Job
from convnet.progress import Report

_LEAST = 3  # kernels for each further process, which needs most of a second to start
_MOST = 8  # further processes; each takes 300 MB of memory


def compile_all(
    calls: Sequence[KernelCall], compile_one: Callable[[KernelCall], None], report: Report
) -> None:
    """Compile the kernels of calls, or load those that are on disk by then.

    compile_one: does so with one of them, in this process.
    """
    jobs = {job: call for call in calls if (job := _job(call))}
    own = _compile_side_by_side(jobs, compile_one, report)
    for call in calls:
        if call not in own:
            compile_one(call)
    report.reach(len(calls))


def _compile_side_by_side(jobs, compile_one, report) -> set[KernelCall]:
    """Compile jobs in several processes; return the calls whose kernels this one compiled."""
    done: set[KernelCall] = set()
    count = min(_MOST, _threads() - 1, len(jobs) // _LEAST)
    if count < 1:
        return done
    # Kernels with many arguments take longest: they come first, so that all processes end together.
    ordered = sorted(jobs, key=lambda job: len(job.types), reverse=True)
    with _workers(ordered, count) as workers:
        for number in workers.numbers():
            call = jobs[ordered[number]]
            compile_one(call)
            done.add(call)
            report.reach(len(done) + workers.finished())
        while workers.is_working():
            report.reach(len(done) + workers.finished())
    return done


def _threads() -> int:
    """How many threads kernels may use: as many processes may compile them."""
    return numba.config.NUMBA_NUM_THREADS


def _job(call: KernelCall) -> Job | None:
    """What another process has to know; None if it could not find the kernel, or not keep it."""
    function, cache = call.dispatcher.py_func, call.dispatcher._cache
    job = Job(function.__module__, function.__name__, call.types)
    found = getattr(sys.modules.get(job.module), job.name, None)
    if getattr(found, "dispatcher", None) is not call.dispatcher or job.module == "__main__":
        return None
    return job if isinstance(getattr(cache, "_cache_file", None), KernelFiles) else None


class _Workers:
    """Processes that compile kernels, and the pipes between them and this process."""

    def __init__(self, numbers: int, answers: int):
        self._numbers, self._answers, self._finished = numbers, answers, 0

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the jobs that this process is to do."""
        while number := os.read(self._numbers, NUMBER.size):
            yield NUMBER.unpack(number)[0]

    def finished(self) -> int:
        """Return how many kernels the processes have left on disk."""
        os.set_blocking(self._answers, False)
        with suppress(BlockingIOError):
            self._finished += len(os.read(self._answers, 4096))
        return self._finished

    def is_working(self) -> bool:
        """Wait until a process has left a kernel; return False when all have ended."""
        os.set_blocking(self._answers, True)
        count = len(os.read(self._answers, 1))
        self._finished += count
        return count > 0


@contextmanager
def _workers(jobs: Sequence[Job], count: int) -> Iterator[_Workers]:
    """Processes that take jobs by number; those that still run in the end are killed."""
    (numbers, put), (answers, answer) = os.pipe(), os.pipe()
    processes: list[subprocess.Popen] = []
    try:
        os.write(put, b"".join(map(NUMBER.pack, range(len(jobs)))))
        os.close(put)
        try:
            with suppress(OSError):  # of processes or memory: there are fewer of them
                for _ in range(count):
                    processes.append(_started(numbers, answer, jobs))
        finally:
            os.close(answer)
        yield _Workers(numbers, answers)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        os.close(numbers)
        os.close(answers)


def _started(numbers: int, answer: int, jobs: Sequence[Job]) -> subprocess.Popen:
    """Start a `convnet.compiling.worker` and give it the jobs.  OSError."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "convnet.compiling.worker", str(numbers), str(answer)],
        pass_fds=(numbers, answer),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what is wrong is met again here, and reported
        env={**os.environ, "PYTHONPATH": path},
        process_group=0,  # Ctrl-C reaches only this process, which then kills them
    )
    with suppress(BrokenPipeError), process.stdin as pipe:
        pickle.dump(list(jobs), pipe)
    return process
