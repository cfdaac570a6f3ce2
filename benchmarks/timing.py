"""Processes that are timed in turn, and the statistics of pairs of times."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

PAUSE = 0.2  # seconds until the threads of the process before have gone to sleep


class WorkerError(Exception):
    """A worker ended, or reported a mistake."""


class Worker:
    """A process that answers requests, one at a time, and waits in between (see `serve`)."""

    def __init__(self, module: str, *arguments: str, env: dict | None = None):
        command = [sys.executable, "-m", module, *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)

    def ask(self, what: str, **options):
        """The answer to one request; WorkerError if there is none."""
        request = json.dumps({"what": what, **options})
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise WorkerError(f"{' '.join(self.process.args[2:])} ended during {request}")
        found = json.loads(answer)
        if "problem" in found:
            raise WorkerError(found["problem"])
        return found["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def serve(handlers: dict[str, Callable]) -> None:
    """Answer requests from standard input with the handlers of their names."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            found = {"answer": handlers[request.pop("what")](**request)}
        except Exception as problem:
            found = {"problem": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(found), flush=True)


def seconds_of(call: Callable[[], object], times: int = 1) -> float:
    """The least time of a few calls."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def in_turn(rivals: dict[str, Callable[[], float]], rounds: int, slack: float = 1.15):
    """Times by rival, one of each a round.

    The first rival is ours.  After the first round those of the others that are beyond `slack`
    times the best of them are left out.
    """
    ours = next(iter(rivals))
    found: dict[str, list[float]] = {name: [] for name in rivals}
    running = dict(rivals)
    for _ in range(rounds):
        for name, call in running.items():
            time.sleep(PAUSE)
            found[name].append(call())
        others = {name: found[name][0] for name in running if name != ours}
        limit = slack * min(others.values(), default=0.0)
        running = {n: call for n, call in running.items() if n == ours or others[n] <= limit}
    return found


@dataclass(frozen=True)
class Comparison:
    """Ours beside the best of the others.

    ratio: median over the rounds of their time / ours; low, high: its extremes.
    """

    ours: float
    theirs: float
    best: str
    ratio: float
    low: float
    high: float


def compare(times: dict[str, list[float]]) -> Comparison:
    """`times` as from `in_turn`, by rival, ours first."""
    names = list(times)
    ours = times[names[0]]
    full = [name for name in names[1:] if len(times[name]) == len(ours)]
    best = min(full, key=lambda name: median(times[name]))
    ratios = [b / a for a, b in zip(ours, times[best], strict=True)]
    return Comparison(
        median(ours), median(times[best]), best, median(ratios), min(ratios), max(ratios)
    )
