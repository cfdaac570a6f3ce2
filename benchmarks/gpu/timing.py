"""Times of several candidates, taken alternately, so that disturbances affect all of them alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

ROUND_SECONDS = 0.03  # a round of a candidate lasts about so long
MOST_CALLS = 200


@dataclass
class Candidate:
    """A function to be timed.

    call(): enqueues the work once.  wait(): blocks until all of it is done.  times: seconds a call,
    one of each round.  error: why no more times are taken.
    """

    name: str
    call: Callable[[], object]
    wait: Callable[[], object]
    times: list[float] = field(default_factory=list)
    error: str = ""
    calls: int = 1

    def figures(self) -> dict:
        """Return milliseconds: the median, the smallest and the largest."""
        if self.error or not self.times:
            return {"error": self.error or "not timed"}
        numbers = median(self.times), min(self.times), max(self.times)
        return dict(zip(("ms", "least", "most"), (round(1e3 * t, 5) for t in numbers), strict=True))


def interleaved(
    candidates: list[Candidate],
    rounds: int = 7,
    *,
    seconds: float = ROUND_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, dict]:
    """Time all candidates, round after round; one that fails is not timed again."""
    for candidate in candidates:
        _guarded(candidate, lambda c: _prepare(c, seconds, clock))
    for _ in range(rounds):
        for candidate in candidates:
            _guarded(candidate, lambda c: c.times.append(_round(c, c.calls, clock)))
    return {candidate.name: candidate.figures() for candidate in candidates}


def _guarded(candidate, action):
    if not candidate.error:
        try:
            action(candidate)
        except Exception as error:
            candidate.error = f"{type(error).__name__}: {error}"[:300]


def _prepare(candidate, seconds, clock):
    """Warm up, and choose the number of calls of a round."""
    for _ in range(3):  # compiled, captured, replayed
        candidate.call()
    candidate.wait()
    once = _round(candidate, 2, clock)
    candidate.calls = max(1, min(MOST_CALLS, round(seconds / max(once, 1e-9))))


def _round(candidate, calls, clock):
    candidate.wait()
    started = clock()
    for _ in range(calls):
        candidate.call()
    candidate.wait()
    return (clock() - started) / calls


def host_seconds(
    call: Callable[[], object],
    wait: Callable[[], object],
    repeats: int = 50,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the median time until `call` returns while the device is idle."""
    times = []
    for _ in range(repeats):
        wait()
        started = clock()
        call()
        times.append(clock() - started)
    wait()
    return median(times)


def ratio(theirs: dict | None, ours: dict | None) -> float | None:
    """Return how many times faster ours is; None if one was not timed."""
    if not theirs or not ours or "ms" not in theirs or "ms" not in ours:
        return None
    return round(theirs["ms"] / ours["ms"], 3)
