"""Makes minibatches ahead of the network, in threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from functools import partial

import numpy as np

from convnet.data.pipeline.feed import Batch, Feed
from convnet.data.pipeline.views import check_views

_GRACE_PERIOD = 3.0  # seconds to finish the minibatches that are being made


class Prefetch:
    """Iterates over `((epoch, index), batch)` for the given positions, `ahead` of the consumer.

    A batch's matrices are valid until the next call of `next`, which reuses their memory.  An
    exception in making a minibatch is raised when that minibatch is due.  Use it as a context
    manager, or call `close`, so that its threads end.

    threads: how many minibatches are made at a time.  By default 1, or as many as keep the worker
    processes busy.  ahead: by default one more than `threads`.
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
            threads = workers.minibatches_in_flight(feed.minibatch_size) if workers else 1
        self._feed = feed
        self._positions = iter(positions)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="convnet-data")
        self._pending = deque()
        self.ahead = threads + 1 if ahead is None else ahead
        self._spare = []
        self._in_use = None
        self._started = None
        self.waited_seconds = 0.0

    def __iter__(self) -> Iterator[tuple[tuple[int, int], Batch]]:
        return self

    def __next__(self) -> tuple[tuple[int, int], Batch]:
        self._started = self._started or time.perf_counter()
        if self._in_use is not None:
            self._spare.append(self._in_use)
            self._in_use = None
        self._submit_more()
        if not self._pending:
            self.close()
            raise StopIteration
        position, buffers, future = self._pending.popleft()
        self._in_use = buffers
        asked = time.perf_counter()
        batch = future.result()
        self.waited_seconds += time.perf_counter() - asked
        return position, batch

    def coming(self) -> dict[int, np.ndarray] | None:
        """Return the matrices of the next minibatch; None if it is not ready or has failed."""
        if not self._pending:
            return None
        _, _, future = self._pending[0]
        if not future.done() or future.exception() is not None:
            return None
        return future.result().matrices

    def _submit_more(self):
        """Keep `ahead` minibatches in flight, besides the one about to be returned."""
        while len(self._pending) <= self.ahead:
            position = next(self._positions, None)
            if position is None:
                return
            buffers = self._spare.pop() if self._spare else self._feed.buffers()
            future = self._pool.submit(self._task(position), buffers)
            self._pending.append((position, buffers, future))

    def _task(self, position) -> Callable[[dict], Batch]:
        """Return the function that makes the minibatch of a position in given buffers."""
        return partial(self._feed.minibatch, *position)

    @property
    def waited_share(self) -> float:
        """The share of the time since the first call of `next` that was spent waiting."""
        if self._started is None:
            return 0.0
        return self.waited_seconds / max(time.perf_counter() - self._started, 1e-9)

    def close(self) -> None:
        """Drop the minibatches in flight and end the threads; may be called twice.

        A thread that waits for a disk which does not answer is left behind.
        """
        self._positions = iter(())
        running = [future for _, _, future in self._pending if not future.cancel()]
        self._pending.clear()
        _, hanging = wait(running, _GRACE_PERIOD)
        self._pool.shutdown(wait=not hanging, cancel_futures=True)

    def __enter__(self) -> "Prefetch":
        return self

    def __exit__(self, *_):
        self.close()


class ViewPrefetch(Prefetch):
    """Iterates over `((index, view), batch)`: each minibatch of `indices` once for each view.

    The images of a minibatch are read and decoded once.  views: 1, 9 or 10, as in `Feed.views`.
    """

    def __init__(self, feed: Feed, indices: Iterable[int], views: int):
        check_views(views)
        super().__init__(feed, ((index, view) for index in indices for view in range(views)))
        self._views = views
        self._shared: list[_SharedImages] = []

    def _task(self, position):
        index, view = position
        cases = self._feed.indices(0, index)
        if view == 0:
            still_used = [images for images in self._shared if images.users]
            self._shared = [*still_used, _SharedImages(self._feed.borrow(cases), self._views)]
        return partial(self._view, self._shared[-1], cases, view)

    def _view(self, shared, cases, view, buffers):
        with shared as images:
            return self._feed.view(cases, images, view, self._views, buffers)

    def close(self) -> None:
        super().close()
        for images in self._shared:
            images.release()


class _SharedImages:
    """Borrowed images with several users, each in its own thread; the last one releases them."""

    def __init__(self, borrowed: AbstractContextManager, users: int):
        self._borrowed, self.users = borrowed, users
        self._lock, self._images = threading.Lock(), None

    def __enter__(self):
        with self._lock:
            if self._images is None:
                self._images = self._borrowed.__enter__()
            return self._images

    def __exit__(self, *_):
        with self._lock:
            self.users -= 1
            if self.users == 0:
                self.release()

    def release(self):
        """Release the images, even if not all users have used them."""
        if self._borrowed is not None:
            self._borrowed.__exit__(None, None, None)
            self._borrowed = self._images = None
        self.users = 0
