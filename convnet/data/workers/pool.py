"""A pool of worker processes that make minibatches of JPEG images.

They are processes because threads would wait for the GIL whenever the training loop holds it
(docs/performance.md has measurements).
"""

import json
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.data.canvas import Canvas, Pages, packed
from convnet.data.crops import Crops
from convnet.data.dataset import Dataset, Indices
from convnet.data.encoded import EncodedDataset
from convnet.data.workers.process import DECODE, MAKE, Answer, Task
from convnet.data.workers.processes import (
    GRACE_PERIOD,
    end_all,
    exit_message,
    start_worker,
    wait_for_all,
)
from convnet.data.workers.request import Request
from convnet.data.workers.shared_memory import SharedMemory
from convnet.errors import DataError

_CHECK_INTERVAL = 1.0  # seconds between checks that all workers are alive and answer
_PATIENCE = 60.0  # seconds without any answer until the workers are replaced
_FIRST_PATIENCE = 600.0  # the same for the first answer, before which a worker may compile kernels
_MOST_REPLACEMENTS = 3  # then the data, or the machine, is at fault
_IMAGES_PER_TASK = 8  # if they are only decoded


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoding(dataset: Dataset, processes: int | None = None) -> AbstractContextManager:
    """Return a context in which worker processes decode a data set's images.

    processes: by default one for each core.  With 0, or for a data set that needs no decoding, the
    context does nothing and yields None; otherwise it yields `Workers`.
    """
    processes = cores() if processes is None else processes
    if isinstance(dataset, EncodedDataset) and processes:
        return Workers(dataset, processes)
    return nullcontext()


class Workers:
    """Decodes a data set's images in `processes` processes, while the context is open.

    The results do not depend on the number of processes.  A damaged image, or a worker that was
    killed, raises a DataError where the images are needed.  Workers that no longer answer are
    replaced, and their tasks are done again.

    on_message: called with a line about that, from another thread.
    """

    def __init__(self, dataset: EncodedDataset, processes: int):
        self.count, self._dataset = processes, dataset
        self._processes: list[subprocess.Popen] = []
        self._numbers = count()
        self._requests: dict[int, Request] = {}
        self._unanswered: dict[tuple[int, int], Task] = {}  # by request and first case
        self._problem: DataError | None = None
        self._last_answer, self._has_answered, self._replacements = 0.0, False, 0
        self.on_message: Callable[[str], None] = lambda line: None
        # `_lock` guards the requests and the memory.  `_writing` guards the pipe, which may be full
        # while answers arrive.
        self._lock, self._writing = threading.RLock(), threading.Lock()

    def cases_per_task(self, cases: int) -> int:
        """Return how many cases of a minibatch of `cases` a worker makes in one task.

        Larger tasks write longer runs of memory (see `arrange`), but with many workers they would
        need many minibatches in flight.
        """
        limit = 64 if self.count <= 4 else 32 if self.count <= 16 else 16
        even = ceil_div(cases, ceil_div(cases, limit))
        return ceil_div(even, 8) * 8

    def minibatches_in_flight(self, minibatch: int) -> int:
        """Return how many minibatches have to be in flight to keep all workers busy."""
        tasks = ceil_div(minibatch, self.cases_per_task(minibatch))
        return 1 + ceil_div(2 * self.count, tasks)

    # -- starting and ending -----------------------------------------------------------------------

    def __enter__(self) -> "Workers":
        from convnet.data.pipeline.arrange import compile_packed  # on demand: it loads kernels

        compile_packed()  # here, where it is shown, and not in each worker
        self._memory = SharedMemory()
        settings = self._settings()
        self._is_closed = self._memory.allocate(1 + len(settings))
        self._is_closed[: 1 + len(settings)] = bytearray(b"\0" + settings)
        self._settings_size = len(settings)
        try:
            self._start_all()
        except OSError as error:
            self._end()
            os.close(self._answers)
            raise DataError(
                f"{self.count} data workers cannot be started ({error.strerror}); use fewer "
                "--workers, or 0 for none"
            ) from None
        self._reader = threading.Thread(target=self._read, name="convnet-workers", daemon=True)
        self._reader.start()
        self._dataset.workers = self
        return self

    def _settings(self):
        decoder = self._dataset.decoder
        files = [os.path.abspath(path) for path in decoder.files]
        return json.dumps(decoder._replace(files=files)._asdict()).encode()

    def _start_all(self):
        """Make both pipes and start the processes.  OSError."""
        tasks, self._tasks = os.pipe()
        self._answers, answers = os.pipe()
        self._processes, self._has_answered = [], False
        self._last_answer = time.monotonic()
        try:
            for _ in range(self.count):
                self._processes.append(self._start(tasks, answers))
        finally:
            os.close(tasks)
            os.close(answers)

    def _start(self, tasks, answers):
        return start_worker(tasks, answers, self._memory.descriptor, self._settings_size)

    def __exit__(self, *_):
        self._dataset.workers = None
        with self._lock:
            self._problem = DataError("the data workers have ended")
        self._is_closed[0] = 1  # workers drop the tasks that are left
        self._end()
        self._reader.join(GRACE_PERIOD)
        if not self._reader.is_alive():  # else a worker waits for a disk for ever
            os.close(self._answers)
        del self._is_closed  # which frees its memory

    def _end(self):
        os.close(self._tasks)
        end_all(self._processes)
        self._memory.close()

    # -- work --------------------------------------------------------------------------------------

    def decode(self, split: str, indices: Indices) -> Request:
        """Start decoding images; the request yields them packed, uint32 (cases, side, side).

        DataError if a worker has ended.
        """
        side, cases = self._dataset.side, len(indices)
        memory = self._allocate(Pages.size(side, cases))
        pages = Pages(memory, side, cases)
        pages.rows["place"] = self._dataset.places(split, indices)
        parts = _divided([(0, cases)], _IMAGES_PER_TASK)
        request = Request(packed(pages.pixels), len(parts), self._damaged(split, indices))
        self._submit(request, DECODE, memory, (side, cases, cases), parts)
        return request

    def canvas(self, mean: np.ndarray, cases: int) -> np.ndarray:
        """Return memory for a minibatch that `make` can fill: float32 (channels * side**2, cases).

        mean: what is subtracted, float32 (channels, side, side).  DataError if a worker has ended.
        """
        side = mean.shape[-1]
        canvas = Canvas(self._allocate(Canvas.size(side, cases)), side, cases)
        canvas.mean[:] = mean
        return canvas.matrix

    def is_canvas(self, matrix: np.ndarray | None) -> bool:
        """Return whether an array is the result of `canvas`."""
        return matrix is not None and self._memory.owner_of(matrix) is not None

    def make(
        self,
        matrix: np.ndarray,
        split: str,
        indices: Indices,
        side: int,
        crops: Crops,
        factor: float,
        ranges: list[tuple[int, int]] | None = None,
    ) -> Request:
        """Start making a minibatch at the beginning of `matrix`, which is from `canvas`.

        The request yields the pixels, (channels, side, side, cases).  factor: what the pixels are
        multiplied by.  ranges: the cases to make, (first, end); None: all of them.  DataError if a
        worker has ended.
        """
        memory, cases = self._memory.owner_of(matrix), len(indices)
        canvas = Canvas(memory, side, matrix.shape[1])
        rows = canvas.rows[:cases]
        starts, flips, shifts = crops
        rows["place"] = self._dataset.places(split, indices)
        rows["start"], rows["flip"], rows["factor"] = starts, flips, factor
        rows["shifts"] = 0 if shifts is None else shifts.T
        parts = _divided(ranges or [(0, cases)], self.cases_per_task(cases))
        request = Request(canvas.pixels(cases), len(parts), self._damaged(split, indices))
        self._submit(request, MAKE, memory, (side, matrix.shape[1], cases), parts)
        return request

    def _damaged(self, split, indices):
        return lambda row, problem: self._dataset.damaged(split, int(indices[row]), problem)

    def _allocate(self, size):
        with self._lock:
            if self._problem:
                raise self._problem
            return self._memory.allocate(size)

    def _submit(self, request, kind, memory, sizes, parts):
        """Write a task for each part (first, end) of a request.

        sizes: side, capacity and cases.
        """
        with self._lock:
            if self._problem:
                raise self._problem
            number = next(self._numbers)
            if not self._unanswered:
                self._last_answer = time.monotonic()  # nothing was asked for before
            self._requests[number] = request
            place = self._memory.place(memory)
            tasks = [Task(number, kind, *place, *sizes, *part) for part in parts]
            self._unanswered |= {(number, task.first): task for task in tasks}
            pipe = self._tasks
        for task in tasks:
            self._write(task, pipe)

    def _write(self, task, pipe):
        """Write a task, unless its pipe was replaced: then it is among those that are done again.

        Where no worker is alive to read it, `_read` reports that.
        """
        with self._writing, suppress(BrokenPipeError):
            if pipe == self._tasks:
                os.write(pipe, Task.form.pack(*task))

    # -- answers, in a thread of their own ---------------------------------------------------------

    def _read(self):
        """Pass answers to their requests until all workers have ended."""
        checked, unread = time.monotonic(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while True:
                if selector.select(_CHECK_INTERVAL):
                    read = os.read(self._answers, 1 << 16)
                    if not read:
                        break
                    unread = self._take_answers(unread + read)
                if time.monotonic() - checked > _CHECK_INTERVAL:
                    self._check_workers()
                    if self._hang():
                        selector.unregister(self._answers)
                        self._replace(unread)
                        selector.register(self._answers, selectors.EVENT_READ)
                        unread = b""
                    checked = time.monotonic()
        wait_for_all(self._processes)  # the last answer may arrive before the process has ended
        self._check_workers()

    def _take_answers(self, read):
        """Pass on the complete answers among the bytes read; return the rest of the bytes."""
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
            self._last_answer, self._has_answered = time.monotonic(), True
            self._unanswered.pop((answer.request, answer.first), None)
            request = self._requests.get(answer.request)
            if request is None:  # it has failed already, since a worker has ended
                return
            request.take(answer, text)
            if request.is_done:
                del self._requests[answer.request]

    def _check_workers(self):
        """Let all requests fail if a worker has ended by itself."""
        with self._lock:
            dead = next((p for p in self._processes if p.poll() is not None), None)
            if dead and self._problem is None:
                self._problem = DataError(exit_message(dead))
            if self._problem:
                self._fail_all()

    def _fail_all(self):
        for request in self._requests.values():
            request.fail(self._problem)
        self._requests.clear()
        self._unanswered.clear()

    # -- workers that hang -------------------------------------------------------------------------

    def _hang(self):
        """Whether there are tasks, but no answers for a long time."""
        with self._lock:
            patience = _PATIENCE if self._has_answered else _FIRST_PATIENCE
            waited = time.monotonic() - self._last_answer
            return bool(self._unanswered) and self._problem is None and waited > patience

    def _replace(self, unread):
        """Kill all workers, start others, and give them the tasks that are not answered.

        Which worker has which task is not known; those that wait for a task lose nothing.
        """
        with self._lock:
            if self._problem:
                return
            waited = f"no data worker has answered for {time.monotonic() - self._last_answer:.0f} s"
            for process in self._processes:
                process.kill()
            is_dead = wait_for_all(self._processes)
            if not is_dead or self._replacements == _MOST_REPLACEMENTS:
                self._problem = DataError(
                    f"{waited}; does the disk with the images answer? Is the machine overloaded?"
                )
                self._fail_all()
                return
            self._replacements += 1
            self._drain(unread)
            with self._writing:
                old = self._tasks, self._answers
                try:
                    self._start_all()
                except OSError as error:
                    reason = f"others cannot be started ({error.strerror})"
                    self._problem = DataError(f"{waited}, and {reason}")
                    self._fail_all()
                # Closed last, so that the new ones have other numbers.
                for descriptor in {*old} - {self._tasks, self._answers}:
                    os.close(descriptor)
            tasks, pipe = list(self._unanswered.values()), self._tasks
        self.on_message(f"{waited}: the workers are replaced, and their tasks are done again")
        for task in tasks:
            self._write(task, pipe)

    def _drain(self, unread):
        """Take the answers that the workers wrote before they were killed."""
        while read := os.read(self._answers, 1 << 16):
            unread = self._take_answers(unread + read)


def _divided(ranges, size):
    """Return the parts (first, end), of `size` cases at most, of ranges."""
    return [
        (start, min(start + size, end))
        for first, end in ranges
        for start in range(first, end, size)
    ]
