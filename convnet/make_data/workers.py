"""Worker processes that read images from their byte ranges and convert them."""

import errno
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from convnet.data.byte_range import UnreadableFile, read_byte_range
from convnet.errors import ConvnetError
from convnet.make_data.listing import UNREADABLE
from convnet.make_data.picture import Jpeg, Picture, make_picture
from convnet.make_data.sums import Sums

# An image: its file, the offset and the number of its bytes.
Place = tuple[str, int, int]
_CHANGED = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)  # what a source that has gone answers
Made = tuple[list[tuple[bytes | None, str]], Sums]


def in_order(function: Callable, tasks: Iterable, workers: int) -> Iterator:
    """Yield function(task) for each task, computed by worker processes, in order.

    Tasks are consumed only as fast as the workers need them.  With one worker, this process does
    the work.  ConvnetError if a worker process is killed.
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
            "a worker process ended without an answer (did it run out of memory?); the same "
            "command continues where this one stopped; use fewer --workers if it happens again"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def make_chunk(places: list[Place], form: Jpeg) -> Made:
    """Return (JPEG or None, remark) of each image, and the sums over the images.

    An image that cannot be read has a remark.  DataError if a file is shorter than it was when it
    was scanned, or no longer there: then its source was changed.
    """
    made, sums = [], Sums()
    for place in places:
        try:
            picture = make_picture(read_byte_range(*place), form)
        except UnreadableFile as problem:
            if problem.errno in _CHANGED:
                raise
            picture = Picture(None, f"{UNREADABLE}: {problem.strerror}")
        made.append((picture.jpeg, picture.remark))
        if picture.jpeg:
            sums.add(picture.pixels)
    return made, sums


def _start_worker():
    """Leave Ctrl-C to the parent, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    connection.wait([parent_process().sentinel])
    os._exit(1)
