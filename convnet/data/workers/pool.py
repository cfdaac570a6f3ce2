"""Worker processes that make minibatches of JPEG images: started, given work, watched and ended.

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

from convnet.data.canvas import Canvas, Pages, packed
from convnet.data.dataset import Dataset
from convnet.data.encoded import EncodedDataset
from convnet.data.workers.process import CANVAS, PAGES, Answer, Task
from convnet.data.workers.request import Request
from convnet.data.workers.shared_memory import SharedMemory
from convnet.errors import DataError

_PATIENCE = 5.0  # seconds until a worker that does not end is made to
_WATCH = 1.0  # seconds after which it is asked whether all workers live
# What libraries of a worker are told: to use one thread; and the C library to keep memory, which it
# would give back after each task and take anew page by page.
_LIBRARIES = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
_LIBRARIES |= {"MALLOC_TRIM_THRESHOLD_": f"{1 << 27}", "MALLOC_MMAP_THRESHOLD_": f"{1 << 25}"}
_DECODED = 8  # images of a task, if they are only decoded


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

    What is made does not depend on who makes it.  DataError, where the images are wanted, for a
    damaged image, and for a worker that was killed.
    """

    def __init__(self, dataset: EncodedDataset, processes: int):
        self.count, self._dataset = processes, dataset
        self._processes: list[subprocess.Popen] = []
        self._numbers = count()
        self._requests: dict[int, Request] = {}
        self._problem: DataError | None = None
        # Of the requests and the memory; and of the pipe, which may be full while answers come.
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def share(self, cases: int) -> int:
        """Cases of a minibatch of so many that one worker makes at a time.

        Larger shares reach memory in longer runs (see `arrange`), but with many workers they would
        need many minibatches in the making.
        """
        most = 64 if self.count <= 4 else 32 if self.count <= 16 else 16
        even = -(-cases // -(-cases // most))
        return -(-even // 8) * 8

    def at_once(self, minibatch: int) -> int:
        """How many minibatches should be in the making, so that all workers have work."""
        tasks = -(-minibatch // self.share(minibatch))
        return 1 + -(-2 * self.count // tasks)

    # -- starting and ending -----------------------------------------------------------------------

    def __enter__(self):
        self._memory = SharedMemory()
        settings = self._settings()
        self._is_closed = self._memory.take(1 + len(settings))
        self._is_closed[: 1 + len(settings)] = bytearray(b"\0" + settings)
        tasks, self._tasks = os.pipe()
        self._answers, answers = os.pipe()
        try:
            for _ in range(self.count):
                self._processes.append(self._started(tasks, answers, len(settings)))
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

    def _settings(self):
        files = [str(path.absolute()) for path in self._dataset.files]
        known = {"files": files, "side": self._dataset.side, "converts": self._dataset.converts}
        return json.dumps(known).encode()

    def _started(self, tasks, answers, settings):
        descriptors = tasks, answers, self._memory.descriptor
        command = [
            sys.executable,
            "-P",
            "-m",
            "convnet.data.workers.process",
            *map(str, descriptors),
        ]
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        return subprocess.Popen(
            [*command, str(settings)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_LIBRARIES, "PYTHONPATH": path},
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

    def decode(self, split: str, indices) -> Request:
        """Have images decoded: of the split, packed, uint32 (cases, side, side).

        Returns at once, as `make` does.
        """
        side, cases = self._dataset.side, len(indices)
        memory = self._take(Pages.size(side, cases))
        pages = Pages(memory, side, cases)
        pages.rows["place"] = self._dataset.places(split, indices)
        request = Request(
            packed(pages.pixels), -(-cases // _DECODED), self._damaged(split, indices)
        )
        self._ask(request, PAGES, memory, (side, cases, cases), _DECODED)
        return request

    def canvas(self, mean: np.ndarray, cases: int) -> np.ndarray:
        """Memory for a minibatch that `make` can fill: float32 (channels * side**2, cases).

        mean: what is subtracted, float32 (channels, side, side).
        """
        side = mean.shape[-1]
        canvas = Canvas(self._take(Canvas.size(side, cases)), side, cases)
        canvas.mean[:] = mean
        return canvas.whole

    def is_canvas(self, whole: np.ndarray | None) -> bool:
        return whole is not None and self._memory.taken(whole) is not None

    def make(self, whole: np.ndarray, split: str, indices, side: int, cuts, factor) -> Request:
        """Have a minibatch made at the beginning of what `canvas` gave: (.., cases).

        cuts: starts, flips and shifts (or None) as `arrange` takes them.
        """
        memory, cases = self._memory.taken(whole), len(indices)
        canvas = Canvas(memory, side, whole.shape[1])
        rows = canvas.rows[:cases]
        starts, flips, shifts = cuts
        rows["place"] = self._dataset.places(split, indices)
        rows["start"], rows["flip"], rows["factor"] = starts, flips, factor
        rows["shifts"] = 0 if shifts is None else shifts.T
        share, damaged = self.share(cases), self._damaged(split, indices)
        request = Request(canvas.pixels(cases), -(-cases // share), damaged)
        self._ask(request, CANVAS, memory, (side, whole.shape[1], cases), share)
        return request

    def _damaged(self, split, indices):
        return lambda row, problem: self._dataset.damaged(split, int(indices[row]), problem)

    def _take(self, size):
        with self._lock:
            if self._problem:
                raise self._problem
            return self._memory.take(size)

    def _ask(self, request, kind, memory, sizes, share):
        with self._lock:
            if self._problem:
                raise self._problem
            number = next(self._numbers)
            self._requests[number] = request
            place = self._memory.place(memory)
        cases = sizes[-1]
        for first in range(0, cases, share):
            last = min(first + share, cases)
            self._write(Task(number, kind, *place, *sizes, first, last))

    def _write(self, task):
        with self._writing, suppress(BrokenPipeError):  # if no worker lives: the reader tells it
            os.write(self._tasks, Task.form.pack(*task))

    # -- answers: a thread of its own --------------------------------------------------------------

    def _read(self):
        """Hands on what the workers answer, until there are none."""
        watched, unread = time.monotonic(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while True:
                if selector.select(_WATCH):
                    read = os.read(self._answers, 1 << 16)
                    if not read:
                        break
                    unread = self._take_answers(unread + read)
                if time.monotonic() - watched > _WATCH:
                    self._watch()
                    watched = time.monotonic()
        for process in self._processes:  # the last answer may come before the end is seen
            process.wait()
        self._watch()

    def _take_answers(self, read):
        """Hands on the answers that were read whole; returns the rest."""
        header = Answer.form.size
        while len(read) >= header:
            answer = Answer(*Answer.form.unpack(read[:header]))
            end = header + answer.length
            if len(read) < end:
                break
            self._take_answer(answer, read[header:end].decode("utf-8", "replace"))
            read = read[end:]
        return read

    def _take_answer(self, answer, text):
        with self._lock:
            request = self._requests.get(answer.request)
            if request is None:  # it was told already that a worker has ended
                return
            request.take(answer, text)
            if request.is_done:
                del self._requests[answer.request]

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
