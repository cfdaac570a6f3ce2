"""Memory of two minibatches: one is computed on while the next one is brought in.

What the host fills for a minibatch, and where it goes on the devices (buffers of role "inputs"), is
there twice; programs are bound to both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, UPLOADS, Stream
from convnet.backends.cuda.runtime.streams import Mark, Queues

SLOTS = 2
# Where programs begin and end, so that each of them comes behind the one before.
COMPUTING, UPLOADING = Stream(0, COMPUTE), Stream(0, UPLOADS)


class Slots:
    """The slots: programs run on `current`, `coming` takes the minibatch behind it."""

    def __init__(self, queues: Queues):
        self._slots = [Slot(number, queues) for number in range(SLOTS)]
        self.current, self.coming = self._slots

    def __iter__(self) -> Iterator["Slot"]:
        return iter(self._slots)

    def turn(self) -> None:
        self.current, self.coming = self.coming, self.current

    def finish(self) -> None:
        """The host waits for all programs."""
        for slot in self._slots:
            slot.finish()


class Slot:
    """Memory for one minibatch, and who is using it.

    number: from 0.  memory: by buffer.  Uploads to it wait for the programs that computed on what
    was there before, and programs wait for the uploads; the host waits for both before it writes.
    """

    def __init__(self, number: int, queues: Queues):
        self.number, self.memory = number, {}
        self._loaded, self._used = Mark(queues, UPLOADING), Mark(queues, COMPUTING)

    @contextmanager
    def loading(self) -> Iterator["Slot"]:
        """In it the host queues uploads to the slot, which begin and end on UPLOADING."""
        self._used.hold_up(UPLOADING)
        yield self
        self._loaded.set()

    @contextmanager
    def computing(self) -> Iterator["Slot"]:
        """In it the host queues a program, which begins and ends on COMPUTING."""
        self._loaded.hold_up(COMPUTING)
        yield self
        self._used.set()

    def finish(self) -> None:
        """Wait for the programs that compute on it."""
        self._used.wait()

    def wait(self) -> None:
        """Wait for all that uses it."""
        self._loaded.wait()
        self._used.wait()
