"""A worker process, `python -m convnet.data.workers.process`: decodes images, makes minibatches.

All workers read tasks from one pipe, so that an idle worker gets the next one, and write answers to
another.  A worker ends when the pipe of tasks is closed, so also when its parent ends.
"""

import json
import os
import select
import struct
import sys
import traceback
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from convnet.data.canvas import Canvas, Pages, packed
from convnet.data.decoder import Decoder
from convnet.data.jpeg import Undecodable
from convnet.data.workers.shared_memory import Place, map_place
from convnet.errors import ConvnetError

DECODE, MAKE = range(2)  # kinds of task: decode images, or make cases of a minibatch

# Kinds of answer: success, an undecodable image, an error of the user's, an error in this program.
GOOD, DAMAGED, REFUSED, FAILED = range(4)

# Bytes.  libjpeg-turbo uses non-temporal stores for rows of pixels at a multiple of this address;
# the pixels are read again at once here, so the rows start between two multiples.
_VECTOR = 32


class Task(NamedTuple):
    """Rows first..last-1 of the `Pages` or the `Canvas` in a place of the shared memory.

    request        number of the request
    kind           DECODE or MAKE
    offset, size   the place, bytes
    side           of the images (DECODE) or of the crops (MAKE), pixels
    capacity       cases that the pages or the canvas have room for
    cases          cases in the minibatch

    It is short enough that writing it to a pipe is atomic.
    """

    request: int
    kind: int
    offset: int
    size: int
    side: int
    capacity: int
    cases: int
    first: int
    last: int

    form = struct.Struct("<9q")


class Answer(NamedTuple):
    """The answer to a task.

    request, first  identify the task
    kind            GOOD, DAMAGED, REFUSED or FAILED
    row             of the damaged image; -1 if there is none
    length          bytes of the text that follows; writing both to a pipe is atomic
    """

    request: int
    first: int
    kind: int
    row: int
    length: int

    form = struct.Struct("<5q")

    @classmethod
    def pack(cls, task: Task, kind: int, row: int, text: str) -> bytes:
        """Return the bytes of an answer and its text; a long text loses its beginning."""
        text = text.encode()[cls.form.size - select.PIPE_BUF :]
        return cls.form.pack(task.request, task.first, kind, row, len(text)) + text


class Worker:
    """Carries out tasks until there are no more.

    tasks, answers, memory: file descriptors.  The memory starts with a byte that becomes nonzero
    when the remaining tasks are to be dropped, then `settings` bytes of JSON: a `Decoder`.
    """

    def __init__(self, tasks: int, answers: int, memory: int, settings: int):
        self._tasks, self._answers = tasks, answers
        self._place = cache(lambda *place: map_place(memory, Place(*place)))
        self._is_closed, self._spare = self._place(0, 1 + settings), np.empty(0, np.uint8)
        self._decoder = Decoder(**json.loads(bytes(self._is_closed[1:])))

    def run(self) -> None:
        """Read tasks and write answers until the parent closes the pipe or sets the first byte."""
        while (record := os.read(self._tasks, Task.form.size)) and not self._is_closed[0]:
            task = Task(*Task.form.unpack(record))
            os.write(self._answers, Answer.pack(task, *self._do(task)))

    def _do(self, task) -> tuple[int, int, str]:
        """Carry out a task; return kind, row and text of the answer."""
        try:
            memory = self._place(task.offset, task.size)
            (self._decode if task.kind == DECODE else self._make)(task, memory)
        except Undecodable as problem:
            return DAMAGED, task.first + problem.index, str(problem)
        except ConvnetError as error:
            return REFUSED, -1, str(error)
        except Exception:
            return FAILED, -1, traceback.format_exc()
        return GOOD, -1, ""

    def _decode(self, task, memory):
        pages, mine = Pages(memory, task.side, task.capacity), slice(task.first, task.last)
        self._read(pages.rows[mine], pages.pixels[mine])

    def _make(self, task, memory):
        canvas = Canvas(memory, task.side, task.capacity)
        rows = canvas.rows[task.first : task.last]
        pixels = self._scratch(len(rows))
        self._read(rows, pixels)
        self._arrange(
            packed(pixels),
            rows["start"],
            rows["flip"] != 0,
            canvas.mean,
            canvas.pixels(task.cases),
            rows["shifts"].T,
            rows["factor"][0],
            task.first,
        )

    def _read(self, rows, pixels):
        self._decoder.decode(rows["place"], pixels)

    def _scratch(self, cases):
        """Return memory for so many images, the same at each call."""
        shape = cases, self._decoder.side, self._decoder.side, 4
        size = int(np.prod(shape))
        if len(self._spare) < size + 2 * _VECTOR:
            self._spare = np.empty(size + 2 * _VECTOR, np.uint8)
        start = _VECTOR // 2 - self._spare.ctypes.data % _VECTOR + _VECTOR
        return self._spare[start : start + size].reshape(shape)

    @cached_property
    def _arrange(self):
        from convnet.data.pipeline.arrange import arrange  # on demand: it loads kernels

        return arrange


if __name__ == "__main__":
    Worker(*map(int, sys.argv[1:])).run()
