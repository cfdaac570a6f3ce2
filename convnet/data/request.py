"""Images that worker processes are decoding, as the one who asked for them sees them."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from convnet.data.encoded import packed
from convnet.data.shared import Region
from convnet.data.worker import FAILED, GOOD, MOST, Answer
from convnet.errors import DataError


class Request(AbstractContextManager):
    """A context that waits for the images, and lends them, packed: uint32 (cases, side, side).

    give_back: called once with this, when the region of shared memory is not needed any more.
    """

    def __init__(
        self,
        number: int,
        region: Region,
        cases: int,
        side: int,
        give_back: Callable[["Request"], None],
    ):
        self.number, self.region = number, region
        self._page = 4 * side**2
        pixels = region.bytes[: cases * self._page].reshape(cases, side, side, 4)
        self._images = packed(pixels)
        self._open_tasks = -(-cases // MOST)
        self._give_back = give_back
        self._problems: dict[int, Exception] = {}
        self._is_done, self._is_over = threading.Event(), False

    def __enter__(self):
        try:
            self._is_done.wait()
            if self._problems:
                raise self._problems[min(self._problems)]
        except BaseException:
            self.__exit__()
            raise
        return self._images

    def __exit__(self, *_):
        if not self._is_over:
            self._is_over = True
            self._give_back(self)

    @property
    def is_done(self) -> bool:
        return self._is_done.is_set()

    def take(self, answer: Answer) -> None:
        """For the thread that reads answers."""
        if answer.kind != GOOD:
            text = bytes(self.region.bytes[answer.first * self._page :][: answer.length])
            text = text.decode("utf-8", "replace")
            is_bug = answer.kind == FAILED
            problem = RuntimeError(f"in a data worker:\n{text}") if is_bug else DataError(text)
            self._problems[answer.first] = problem
        self._open_tasks -= 1
        if not self._open_tasks:
            self._is_done.set()

    def fail(self, problem: Exception) -> None:
        """There will be no answer."""
        self._problems[-1] = problem
        self._is_done.set()
