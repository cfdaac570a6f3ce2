"""Worker processes, and what they do.  A worker reads the images itself, at their places."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from convnet.data.byte_range import read_piece
from convnet.errors import ConvnetError
from convnet.make_data.picture import Jpeg, make_picture
from convnet.make_data.sums import Sums

# An image: the file it lies in, the offset and the number of its bytes.
Place = tuple[str, int, int]
Made = tuple[list[tuple[bytes | None, str]], Sums]


def in_order(function: Callable, tasks: Iterable, workers: int) -> Iterator:
    """function(task) for each task, computed by worker processes and given out in order.

    No more tasks are taken than keep the workers busy.  One worker is this process itself.
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
            "a worker process ended without an answer (was there too little memory?); the same "
            "command goes on where this one stopped, with fewer --workers if it happens again"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def make_chunk(places: list[Place], form: Jpeg) -> Made:
    """(JPEG or None, remark) of each image, and the sums over them."""
    made, sums = [], Sums()
    for place in places:
        picture = make_picture(read_piece(*place), form)
        made.append((picture.jpeg, picture.remark))
        if picture.jpeg:
            sums.add(picture.pixels)
    return made, sums


def _start_worker():
    """Ctrl-C is the parent's to handle, and no worker outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    connection.wait([parent_process().sentinel])
    os._exit(1)
