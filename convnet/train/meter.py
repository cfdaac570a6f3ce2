"""The speed of training, and the share of its time spent waiting for data."""

import time

from convnet.train.rounding import rounded


class Meter:
    """Times minibatches.  Time between `add` and `skip` is not counted."""

    def __init__(self) -> None:
        self.seconds, self.waited, self.cases, self._waited_before = 0.0, 0.0, 0, 0.0
        self._seconds_taken, self._waited_taken = 0.0, 0.0
        self.skip()

    def skip(self) -> None:
        """Start the clock again."""
        self._since = time.perf_counter()

    def add(self, cases: int, waited_in_all: float) -> None:
        """Count a minibatch of `cases`.  waited_in_all: seconds of waiting since the beginning."""
        self.seconds += time.perf_counter() - self._since
        self.waited += waited_in_all - self._waited_before
        self.cases += cases
        self._waited_before = waited_in_all
        self.skip()

    def take(self) -> dict[str, float]:
        """Return the measurements since the last call, for a record of the journal."""
        seconds = max(self.seconds, 1e-9)
        found = {
            "images_per_second": rounded(self.cases / seconds),
            "seconds": rounded(seconds),
            "wait_share": rounded(self.waited / seconds),
        }
        self._seconds_taken += self.seconds
        self._waited_taken += self.waited
        self.seconds, self.waited, self.cases = 0.0, 0.0, 0
        return found

    @property
    def waited_in_all(self) -> float:
        """Return all the seconds so far that were spent waiting for data."""
        return self._waited_taken + self.waited

    @property
    def wait_share(self) -> float:
        """Return the share of all the time so far that was spent waiting for data."""
        seconds = self._seconds_taken + self.seconds
        return self.waited_in_all / max(seconds, 1e-9)
