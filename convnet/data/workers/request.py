"""A pending request to the worker processes."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np

from convnet.data.workers.process import DAMAGED, FAILED, GOOD, Answer
from convnet.errors import DataError


class Request(AbstractContextManager):
    """A context that waits for the worker processes and yields the result.

    The memory of the result stays allocated while the result or this object is referenced.  The
    first error in the order of the cases is raised on entering.

    tasks    number of tasks that have to be answered
    damaged  makes the error for an undecodable image, of its row and of what is wrong with it
    """

    def __init__(self, result: np.ndarray, tasks: int, damaged: Callable[[int, str], DataError]):
        self._result, self._open_tasks, self._damaged = result, tasks, damaged
        self._problems: dict[int, Exception] = {}
        self._is_done = threading.Event()

    def __enter__(self) -> np.ndarray:
        self._is_done.wait()
        if self._problems:
            raise self._problems[min(self._problems)]
        return self._result

    def __exit__(self, *_):
        pass

    @property
    def is_done(self) -> bool:
        """Whether all tasks are answered or have failed."""
        return self._is_done.is_set()

    def take(self, answer: Answer, text: str) -> None:
        """Record the answer to one task; called by the thread that reads answers."""
        if answer.kind != GOOD:
            self._problems[answer.first] = self._problem(answer, text)
        self._open_tasks -= 1
        if not self._open_tasks:
            self._is_done.set()

    def _problem(self, answer, text):
        if answer.kind == FAILED:
            return RuntimeError(f"in a data worker:\n{text}")
        return self._damaged(answer.row, text) if answer.kind == DAMAGED else DataError(text)

    def fail(self, problem: Exception) -> None:
        """Give up: no more answers will come, and `problem` is raised on entering."""
        self._problems[-1] = problem
        self._is_done.set()
