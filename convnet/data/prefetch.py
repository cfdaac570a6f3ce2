"""Makes minibatches ahead of the network, in threads."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from convnet.data.feed import Batch, Feed


class Prefetch:
    """Iterates over `((epoch, index), batch)` for the given positions, `ahead` of the consumer.

    A batch's matrices are valid until the next one is asked for: their memory is used again.
    An exception met in making a minibatch is raised where that minibatch is asked for.  Use it as
    a context manager, or call `close`, so that its threads end.
    """

    def __init__(
        self, feed: Feed, positions: Iterable[tuple[int, int]], ahead: int = 2, workers: int = 1
    ):
        self._feed = feed
        self._positions = iter(positions)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="convnet-data")
        self._pending = deque()
        self._ahead = ahead
        self._spare = []
        self._lent = None
        self._started = None
        self.waited_seconds = 0.0

    def __iter__(self) -> Iterator[tuple[tuple[int, int], Batch]]:
        return self

    def __next__(self):
        self._started = self._started or time.perf_counter()
        if self._lent is not None:
            self._spare.append(self._lent)
            self._lent = None
        self._order_more()
        if not self._pending:
            self.close()
            raise StopIteration
        position, buffers, future = self._pending.popleft()
        self._lent = buffers
        asked = time.perf_counter()
        batch = future.result()
        self.waited_seconds += time.perf_counter() - asked
        return position, batch

    def _order_more(self):
        """Keeps `ahead` minibatches in the making, besides the one about to be handed out."""
        while len(self._pending) <= self._ahead:
            position = next(self._positions, None)
            if position is None:
                return
            buffers = self._spare.pop() if self._spare else self._feed.buffers()
            future = self._pool.submit(self._feed.minibatch, *position, buffers)
            self._pending.append((position, buffers, future))

    @property
    def waited_share(self) -> float:
        """Share of the time since the first minibatch was asked for that was spent waiting."""
        if self._started is None:
            return 0.0
        return self.waited_seconds / max(time.perf_counter() - self._started, 1e-9)

    def close(self) -> None:
        """Forgets what is in the making and ends the threads; may be called twice."""
        self._positions = iter(())
        self._pending.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
