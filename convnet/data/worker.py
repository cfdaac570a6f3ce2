"""A worker process, `python -m convnet.data.worker`: decodes images into shared memory.

It takes tasks from a pipe that all workers share, so that whoever is free has the next one, and
answers on another.  It ends when nobody can write tasks any more: its parent has ended.
"""

import json
import os
import struct
import sys
import traceback
from functools import cache, cached_property
from typing import NamedTuple

from convnet.data.dataset import SPLITS
from convnet.data.open import open_dataset
from convnet.data.shared import map_region
from convnet.errors import ConvnetError

MOST = 8  # images of a task
GOOD, REFUSED, FAILED = range(3)  # kinds of answers; with a message for the user, or a traceback


class Task(NamedTuple):
    """Images to decode into the pages first, first + 1, ... of a region of the shared memory.

    A task, and an answer, is so short that a pipe keeps it in one piece.
    """

    request: int
    offset: int
    size: int
    side: int
    split: int  # its place in SPLITS
    first: int
    indices: tuple[int, ...]

    form = struct.Struct(f"<7q{MOST}q")

    def pack(self) -> bytes:
        rest = (0,) * (MOST - len(self.indices))
        return self.form.pack(*self[:6], len(self.indices), *self.indices, *rest)

    @classmethod
    def unpack(cls, record: bytes) -> "Task":
        *numbers, count = (values := cls.form.unpack(record))[:7]
        return cls(*numbers, values[7 : 7 + count])


class Answer(NamedTuple):
    """To the task of that request and first page; its text stands there, `length` bytes of it."""

    request: int
    first: int
    kind: int
    length: int

    form = struct.Struct("<4q")


class Worker:
    """tasks, answers, memory: descriptors.  settings: what `open_dataset` is given, as JSON."""

    def __init__(self, tasks: int, answers: int, memory: int, settings: str):
        self._tasks, self._answers = tasks, answers
        self._settings = json.loads(settings)
        self._region = cache(lambda offset, size: map_region(memory, offset, size).bytes)

    def run(self) -> None:
        is_closed = self._region(0, 1)
        while (record := os.read(self._tasks, Task.form.size)) and not is_closed[0]:
            task = Task.unpack(record)
            answer = self._do(task)
            os.write(self._answers, Answer.form.pack(*answer))

    def _do(self, task) -> Answer:
        page = 4 * task.side**2
        pixels = self._region(task.offset, task.size)[task.first * page :]
        pixels = pixels[: len(task.indices) * page]
        kind, text = self._decode(task, pixels.reshape(-1, task.side, task.side, 4))
        text = text.encode()[: len(pixels)]
        pixels[: len(text)] = bytearray(text)
        return Answer(task.request, task.first, kind, len(text))

    def _decode(self, task, pages):
        try:
            self._dataset.decode(SPLITS[task.split], task.indices, pages)
        except ConvnetError as error:
            return REFUSED, str(error)
        except Exception:
            return FAILED, traceback.format_exc()
        return GOOD, ""

    @cached_property
    def _dataset(self):
        return open_dataset(**self._settings)


if __name__ == "__main__":
    Worker(*map(int, sys.argv[1:4]), sys.argv[4]).run()
