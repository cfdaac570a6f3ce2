"""Work on many files in short-lived processes, with the results in order."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from convnet.errors import ConvnetError


def in_order(function: Callable, tasks: Iterable, workers: int, advice: str = "") -> Iterator:
    """Yield function(task) for each task, computed by worker processes, in order.

    Tasks are consumed only as fast as the workers need them.  With one worker, this process does
    the work.  ConvnetError if a worker process is killed; advice: what to do then.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker)
    waiting = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise ConvnetError(
            "a worker process ended without an answer (did it run out of memory?); "
            f"{advice}use fewer --workers if it happens again"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker():
    """Leave Ctrl-C to the parent, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    connection.wait([parent_process().sentinel])
    os._exit(1)
