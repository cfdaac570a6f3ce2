"""How fast training goes, and how much of its time it waits for data."""

import time

from convnet.train.journal_records import rounded


class Meter:
    """Times minibatches; what happens between `add` and `skip` is not counted."""

    def __init__(self):
        self.seconds, self.waited, self.cases, self._waited_before = 0.0, 0.0, 0, 0.0
        self._seconds_taken, self._waited_taken = 0.0, 0.0
        self.skip()

    def skip(self) -> None:
        self._since = time.perf_counter()

    def add(self, cases: int, waited_in_all: float) -> None:
        """A minibatch of so many cases was trained.  waited_in_all: seconds since the beginning."""
        self.seconds += time.perf_counter() - self._since
        self.waited += waited_in_all - self._waited_before
        self.cases += cases
        self._waited_before = waited_in_all
        self.skip()

    def take(self) -> dict:
        """The figures since the last call."""
        seconds = max(self.seconds, 1e-9)
        figures = {
            "images_per_second": rounded(self.cases / seconds),
            "seconds": rounded(seconds),
            "wait_share": rounded(self.waited / seconds),
        }
        self._seconds_taken += self.seconds
        self._waited_taken += self.waited
        self.seconds, self.waited, self.cases = 0.0, 0.0, 0
        return figures

    @property
    def wait_share(self) -> float:
        """Of all the time so far."""
        seconds = self._seconds_taken + self.seconds
        return (self._waited_taken + self.waited) / max(seconds, 1e-9)
