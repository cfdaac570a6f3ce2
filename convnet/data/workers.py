"""Worker processes that decode a data set's images: started, given work, watched and ended.

Processes, because threads would wait for Python's lock whenever the training loop holds it
(docs/performance.md has figures).  Started as programs of their own, never forked, since the
libraries of this process have threads.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count

import numpy as np

from convnet.data.dataset import SPLITS, Dataset
from convnet.data.encoded import EncodedDataset
from convnet.data.request import Request
from convnet.data.shared import SharedMemory
from convnet.data.worker import MOST, Answer, Task
from convnet.errors import DataError

_PATIENCE = 5.0  # seconds until a worker that does not end is made to
_WATCH = 1.0  # seconds after which it is asked whether all workers live


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoding(dataset: Dataset, processes: int | None = None) -> AbstractContextManager:
    """A context in which so many processes decode a data set's images; None: one for each core.

    Sets that need no decoding are left as they are, and so are all with 0 processes.
    """
    processes = cores() if processes is None else processes
    if isinstance(dataset, EncodedDataset) and processes:
        return Workers(dataset, processes)
    return nullcontext()


class Workers:
    """Decodes a data set's images in `processes` processes, while the context is open.

    What is decoded does not depend on who decodes it.  DataError, where the images are wanted, for
    a damaged image, and for a worker that was killed.
    """

    def __init__(self, dataset: EncodedDataset, processes: int):
        self.count, self._dataset = processes, dataset
        self._processes: list[subprocess.Popen] = []
        self._numbers = count()
        self._requests: dict[int, Request] = {}
        self._abandoned: set[int] = set()
        self._problem: DataError | None = None
        # Of the requests and the memory; and of the pipe, which may be full while answers come.
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def at_once(self, minibatch: int) -> int:
        """How many minibatches should be in the making, so that all workers have work."""
        return 1 + -(-2 * self.count * MOST // minibatch)

    # -- starting and ending -----------------------------------------------------------------------

    def __enter__(self):
        self._memory = SharedMemory()
        self._is_closed = self._memory.take(1).bytes
        tasks, self._tasks = os.pipe()
        self._answers, answers = os.pipe()
        try:
            for _ in range(self.count):
                self._processes.append(self._started(tasks, answers))
        except OSError as error:
            self._end()
            os.close(self._answers)
            raise DataError(
                f"{self.count} data workers cannot be started ({error.strerror}); fewer --workers, "
                "or 0 for none, need less"
            ) from None
        finally:
            os.close(tasks)
            os.close(answers)
        self._reader = threading.Thread(target=self._read, name="convnet-workers", daemon=True)
        self._reader.start()
        self._dataset.workers = self
        return self

    def _started(self, tasks, answers):
        descriptors = tasks, answers, self._memory.descriptor
        settings = json.dumps(self._dataset.reopening)
        command = [sys.executable, "-P", "-m", "convnet.data.worker", *map(str, descriptors)]
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        return subprocess.Popen(
            [*command, settings],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **one_thread, "PYTHONPATH": path},
            process_group=0,  # Ctrl-C is for the training loop alone, which saves first
        )

    def __exit__(self, *_):
        self._dataset.workers = None
        with self._lock:
            self._problem = DataError("the data workers have ended")
        self._is_closed[0] = 1  # tasks that nobody has begun are left
        self._end()
        self._reader.join()
        os.close(self._answers)
        del self._is_closed  # with its memory

    def _end(self):
        os.close(self._tasks)
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._memory.close()

    # -- work --------------------------------------------------------------------------------------

    def ask(self, split: str, indices) -> Request:
        """Have the images at `indices` of a split decoded.  Returns at once."""
        indices, side = np.asarray(indices).tolist(), self._dataset.side
        with self._lock:
            if self._problem:
                raise self._problem
            region = self._memory.take(4 * side**2 * len(indices))
            request = Request(next(self._numbers), region, len(indices), side, self._give_back)
            self._requests[request.number] = request
        place = request.number, region.offset, region.size, side, SPLITS.index(split)
        starts = range(0, len(indices), MOST)
        tasks = [Task(*place, first, tuple(indices[first : first + MOST])) for first in starts]
        self._write(b"".join(task.pack() for task in tasks))
        return request

    def _write(self, records):
        with self._writing, suppress(BrokenPipeError):  # if no worker lives: the reader tells it
            while records:
                records = records[os.write(self._tasks, records) :]

    def _give_back(self, request):
        with self._lock:
            if request.is_done:
                self._memory.give_back(request.region)
            else:
                self._abandoned.add(request.number)

    # -- answers: a thread of its own --------------------------------------------------------------

    def _read(self):
        """Hands on what the workers answer, until there are none."""
        watched = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while True:
                if selector.select(_WATCH):
                    records = os.read(self._answers, 128 * Answer.form.size)
                    if not records:
                        break
                    for answer in Answer.form.iter_unpack(records):
                        self._take(Answer(*answer))
                if time.monotonic() - watched > _WATCH:
                    self._watch()
                    watched = time.monotonic()
        for process in self._processes:  # the last answer may come before the end is seen
            process.wait()
        self._watch()

    def _take(self, answer):
        with self._lock:
            request = self._requests.get(answer.request)
            if request is None:  # it was told already that a worker has ended
                return
            request.take(answer)
            if request.is_done:
                del self._requests[answer.request]
                if answer.request in self._abandoned:
                    self._memory.give_back(request.region)

    def _watch(self):
        """If a worker has ended by itself, tell all who wait."""
        with self._lock:
            dead = next((p for p in self._processes if p.poll() is not None), None)
            if dead and self._problem is None:
                self._problem = DataError(_fate(dead))
            if self._problem:
                for request in self._requests.values():
                    request.fail(self._problem)
                self._requests.clear()


def _fate(process) -> str:
    code = process.returncode
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return (
        f"a data worker (process {process.pid}) {how}; was there too little memory? Fewer "
        "--workers need less"
    )
