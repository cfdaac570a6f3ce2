"""Double buffering: programs run on one minibatch while the next one is uploaded.

The memory that the host fills for a minibatch, and the memory that it is uploaded to (buffers of
role "inputs"), exist twice, in two slots; programs are bound to both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, UPLOADS, Stream
from convnet.backends.cuda.runtime.streams import Mark, Streams
from convnet.network.memory import Buffer

SLOTS = 2
# Where programs begin and end, so that each of them runs after the one before.
COMPUTING, UPLOADING = Stream(0, COMPUTE), Stream(0, UPLOADS)


class Slots:
    """The slots: programs run on `current`, the next minibatch is loaded to `coming`."""

    def __init__(self, streams: Streams):
        self._slots = [Slot(number, streams) for number in range(SLOTS)]
        self.current, self.coming = self._slots

    def __iter__(self) -> Iterator["Slot"]:
        return iter(self._slots)

    def swap(self) -> None:
        """Make the coming slot the current one."""
        self.current, self.coming = self.coming, self.current

    def wait_for_programs(self) -> None:
        """Block the host until all programs are done."""
        for slot in self._slots:
            slot.wait_for_programs()


class Slot:
    """Memory for one minibatch, and the uploads and programs that use it.

    number: from 0.  memory: by buffer.  An upload to it waits for the programs that compute on the
    minibatch before, and programs wait for the upload; the host waits for both before it writes.
    """

    def __init__(self, number: int, streams: Streams):
        self.number = number
        self.memory: dict[Buffer, object] = {}
        self._loaded, self._used = Mark(streams, UPLOADING), Mark(streams, COMPUTING)

    @contextmanager
    def loading(self) -> Iterator["Slot"]:
        """In it the host enqueues uploads to the slot, which begin and end on UPLOADING."""
        self._used.block(UPLOADING)
        yield self
        self._loaded.set()

    @contextmanager
    def computing(self) -> Iterator["Slot"]:
        """In it the host enqueues a program, which begins and ends on COMPUTING."""
        self._loaded.block(COMPUTING)
        yield self
        self._used.set()

    def wait_for_programs(self) -> None:
        """Block the host until the programs that compute on it are done."""
        self._used.wait()

    def wait(self) -> None:
        """Block the host until nothing uses it."""
        self._loaded.wait()
        self._used.wait()
