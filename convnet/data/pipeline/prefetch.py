"""Makes minibatches ahead of the network, in threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

import numpy as np

from convnet.data.pipeline.feed import Batch, Feed, check_views


class Prefetch:
    """Iterates over `((epoch, index), batch)` for the given positions, `ahead` of the consumer.

    A batch's matrices are valid until the next one is asked for: their memory is used again.
    An exception met in making a minibatch is raised where that minibatch is asked for.  Use it as
    a context manager, or call `close`, so that its threads end.

    threads: how many minibatches are made at once.  By default one; for a data set that worker
    processes decode, as many as give them all work.  ahead: by default one more than these.
    """

    def __init__(
        self,
        feed: Feed,
        positions: Iterable[tuple[int, int]],
        ahead: int | None = None,
        threads: int | None = None,
    ):
        workers = feed.dataset.workers
        if threads is None:
            threads = workers.at_once(feed.minibatch_size) if workers else 1
        self._feed = feed
        self._positions = iter(positions)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="convnet-data")
        self._pending = deque()
        self.ahead = threads + 1 if ahead is None else ahead
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

    def coming(self) -> dict[int, np.ndarray] | None:
        """The matrices of the minibatch that is handed out next, if it is made and well by now."""
        if not self._pending:
            return None
        _, _, future = self._pending[0]
        if not future.done() or future.exception() is not None:
            return None
        return future.result().matrices

    def _order_more(self):
        """Keeps `ahead` minibatches in the making, besides the one about to be handed out."""
        while len(self._pending) <= self.ahead:
            position = next(self._positions, None)
            if position is None:
                return
            buffers = self._spare.pop() if self._spare else self._feed.buffers()
            future = self._pool.submit(self._making(position), buffers)
            self._pending.append((position, buffers, future))

    def _making(self, position) -> Callable[[dict], Batch]:
        """The function that makes the minibatch of a position in given memory."""
        return partial(self._feed.minibatch, *position)

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


class ViewPrefetch(Prefetch):
    """Iterates over `((index, view), batch)`: each minibatch of `indices` once for each view.

    The images of a minibatch are read, and decoded, once.  views: 1, 9 or 10, as `Feed.views`.
    """

    def __init__(self, feed: Feed, indices: Iterable[int], views: int):
        check_views(views)
        super().__init__(feed, ((index, view) for index in indices for view in range(views)))
        self._views = views
        self._loans: list[_SharedLoan] = []

    def _making(self, position):
        index, view = position
        cases = self._feed.indices(0, index)
        if view == 0:
            open_ones = [loan for loan in self._loans if loan.users]
            self._loans = [*open_ones, _SharedLoan(self._feed.lend(cases), self._views)]
        return partial(self._view, self._loans[-1], cases, view)

    def _view(self, loan, cases, view, buffers):
        with loan as images:
            return self._feed.view(cases, images, view, self._views, buffers)

    def close(self):
        super().close()
        for loan in self._loans:
            loan.end()


class _SharedLoan:
    """Images lent to several users, each in its thread; the last one gives them back."""

    def __init__(self, loan: AbstractContextManager, users: int):
        self._loan, self.users = loan, users
        self._lock, self._images = threading.Lock(), None

    def __enter__(self):
        with self._lock:
            if self._images is None:
                self._images = self._loan.__enter__()
            return self._images

    def __exit__(self, *_):
        with self._lock:
            self.users -= 1
            if self.users == 0:
                self.end()

    def end(self):
        """Give the images back, whoever has not come for them."""
        if self._loan is not None:
            self._loan.__exit__(None, None, None)
            self._loan = self._images = None
        self.users = 0
