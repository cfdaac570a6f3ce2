"""A worker process, `python -m convnet.data.workers.process`: makes images and minibatches.

It takes tasks from a pipe that all workers share, so that whoever is free has the next one, and
answers on another.  It ends when nobody can write tasks any more: its parent has ended.
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
from convnet.data.jpeg import Undecodable, decode_pieces
from convnet.data.workers.shared_memory import Place, map_place
from convnet.errors import ConvnetError

PAGES, CANVAS = range(2)  # kinds of tasks: decode images, or make cases of a minibatch of them
GOOD, DAMAGED, REFUSED, FAILED = range(4)  # kinds of answers: an image is, the user's or our fault

# Bytes.  libjpeg-turbo writes rows of pixels that begin at a multiple past the caches, from which
# they are read again right away here: so they begin between two.
_VECTOR = 32


class Task(NamedTuple):
    """Rows first..last-1 of the pages, or the canvas, that lie in a place of the shared memory.

    side, most: of these; cases: of the minibatch.  So short that a pipe keeps it in one piece.
    """

    request: int
    kind: int
    offset: int
    size: int
    side: int
    most: int
    cases: int
    first: int
    last: int

    form = struct.Struct("<9q")


class Answer(NamedTuple):
    """To the task of that request and first row; row: of the image that the text is about, or -1.

    The text, of `length` bytes, comes after it, still in one piece.
    """

    request: int
    first: int
    kind: int
    row: int
    length: int

    form = struct.Struct("<5q")

    @classmethod
    def pack(cls, task: Task, kind: int, row: int, text: str) -> bytes:
        text = text.encode()[cls.form.size - select.PIPE_BUF :]
        return cls.form.pack(task.request, task.first, kind, row, len(text)) + text


class Worker:
    """tasks, answers, memory: descriptors.

    The memory begins with a byte that is not 0 when there is no more to do, and then `settings`
    bytes of JSON: the files that images lie in, their side, and whether they are converted.
    """

    def __init__(self, tasks: int, answers: int, memory: int, settings: int):
        self._tasks, self._answers = tasks, answers
        self._place = cache(lambda *place: map_place(memory, Place(*place)))
        self._is_closed, self._spare = self._place(0, 1 + settings), np.empty(0, np.uint8)
        read = json.loads(bytes(self._is_closed[1:]))
        self._files, self._side, self._converts = (read[k] for k in ("files", "side", "converts"))

    def run(self) -> None:
        while (record := os.read(self._tasks, Task.form.size)) and not self._is_closed[0]:
            task = Task(*Task.form.unpack(record))
            os.write(self._answers, Answer.pack(task, *self._do(task)))

    def _do(self, task) -> tuple[int, int, str]:
        """Kind, row and text of the answer."""
        try:
            memory = self._place(task.offset, task.size)
            (self._decode if task.kind == PAGES else self._make)(task, memory)
        except Undecodable as problem:
            return DAMAGED, task.first + problem.number, str(problem)
        except ConvnetError as error:
            return REFUSED, -1, str(error)
        except Exception:
            return FAILED, -1, traceback.format_exc()
        return GOOD, -1, ""

    def _decode(self, task, memory):
        pages, mine = Pages(memory, task.side, task.most), slice(task.first, task.last)
        self._read(pages.rows[mine], pages.pixels[mine])

    def _make(self, task, memory):
        canvas = Canvas(memory, task.side, task.most)
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
        decode_pieces(self._files, rows["place"], pixels, self._converts)

    def _scratch(self, cases):
        """Memory for so many images, the same every time."""
        shape = cases, self._side, self._side, 4
        size = int(np.prod(shape))
        if len(self._spare) < size + 2 * _VECTOR:
            self._spare = np.empty(size + 2 * _VECTOR, np.uint8)
        start = _VECTOR // 2 - self._spare.ctypes.data % _VECTOR + _VECTOR
        return self._spare[start : start + size].reshape(shape)

    @cached_property
    def _arrange(self):
        from convnet.data.pipeline.arrange import arrange  # kernels are for those who need them

        return arrange


if __name__ == "__main__":
    Worker(*map(int, sys.argv[1:])).run()
