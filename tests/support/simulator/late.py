"""A late GPU: it works as late as possible, in a random order that streams and events allow.

The simulator does all work immediately, so it cannot show a missing wait.  Here work on a stream is
only enqueued.  It runs when the host waits for something, and only until that has happened; the
stream whose work comes next is chosen at random.
"""

import random
from functools import partial

from convnet.backends.cuda.runtime import streams
from tests.support.simulator import stand_ins


class Gpu:
    """The streams, and the work that is left on them."""

    def __init__(self, seed: int):
        self.streams: list[Stream] = []
        self._random = random.Random(seed)
        self.lazy: Stream | None = None  # the stream that works only where no other can
        self.overtaken = 0  # times that work was left undone though the host waited

    def stream(self) -> "Stream":
        self.streams.append(Stream(self))
        return self.streams[-1]

    def event(self) -> "Event":
        return Event(self)

    def work_until(self, is_done) -> None:
        """Run enqueued work, one call of a random stream at a time, until `is_done()`."""
        while not is_done():
            ready = [stream for stream in self.streams if stream.is_ready()]
            assert ready, "the host waits for what never happens"
            eager = [stream for stream in ready if stream is not self.lazy]
            self._random.choice(eager or ready).work()
        self.overtaken += any(stream.queue for stream in self.streams)

    def synchronize(self) -> None:
        self.work_until(lambda: not any(stream.queue for stream in self.streams))


class Stream:
    def __init__(self, gpu):
        self.gpu, self.queue = gpu, []

    def take(self, call, may_begin=lambda: True) -> None:
        self.queue.append((call, may_begin))

    def is_ready(self) -> bool:
        return bool(self.queue) and self.queue[0][1]()

    def work(self) -> None:
        self.queue.pop(0)[0]()

    def synchronize(self) -> None:
        self.gpu.work_until(lambda: not self.queue)


class Event:
    """recorded: a list for the latest record, which is filled when the stream reaches it."""

    def __init__(self, gpu):
        self.gpu, self.recorded = gpu, [True]

    def record(self, stream) -> None:
        self.recorded = []
        stream.take(partial(self.recorded.append, True))

    def wait(self, stream) -> None:
        recorded = self.recorded
        stream.take(lambda: None, lambda: bool(recorded))

    def synchronize(self) -> None:
        recorded = self.recorded
        self.gpu.work_until(lambda: bool(recorded))


def install(monkeypatch, seed: int) -> Gpu:
    """Make all engines from now on use such a GPU; return it."""
    gpu = Gpu(seed)
    stand_ins.install(monkeypatch, gpu)
    monkeypatch.setattr(streams.cuda, "synchronize", gpu.synchronize)
    return gpu
