"""The rules of stream capture, checked by fakes of Numba's streams and events.

A stream joins the capture when it waits for one of its events.  Within a capture no work may be
enqueued on other streams, and no event from outside may be waited for; at the end all work has to
be joined to the stream where it began.  The host must not allocate or wait meanwhile.
"""

from collections import Counter

from convnet.backends.cuda.runtime import streams
from tests.support.simulator import stand_ins

FORBIDDEN = ("device_array", "pinned_array", "to_device", "synchronize")


class Rules:
    """The streams made so far.  active: whether a capture is in progress."""

    def __init__(self):
        self.streams: list[Stream] = []
        self.active = False

    def stream(self) -> "Stream":
        self.streams.append(Stream(self))
        return self.streams[-1]

    def event(self) -> "Event":
        return Event(self)

    def capture(self, origin: "Stream", enqueue) -> list["Stream"]:
        """Capture enqueue(); return the streams of the capture."""
        self.active, origin.captured = True, True
        enqueue()
        self.active = False
        captured = [stream for stream in self.streams if stream.captured]
        for stream in captured:
            assert origin.known[stream] == stream.known[stream], "a stream is not joined"
        return captured

    def forbid(self, name, call):
        def checked(*arguments, **options):
            assert not self.active, f"{name} within a capture"
            return call(*arguments, **options)

        return checked


class Stream:
    """known: how many calls on each stream are certain to be done before the next one."""

    def __init__(self, rules):
        self.rules, self.captured, self.known = rules, False, Counter()

    def take(self, call) -> None:
        if self.rules.active:
            assert self.captured, "work on a stream outside of the capture"
            self.known[self] += 1
        else:
            call()

    def synchronize(self) -> None:
        assert not self.rules.active, "the host waits for a stream within a capture"


class Event:
    def __init__(self, rules):
        self.rules, self.captured, self.known = rules, False, Counter()

    def record(self, stream) -> None:
        assert stream.captured or not self.rules.active, "recorded on a stream outside"
        self.captured, self.known = stream.captured, stream.known.copy()

    def wait(self, stream) -> None:
        if self.rules.active:
            assert self.captured, "an event from outside of the capture"
            stream.captured = True
            stream.known |= self.known

    def synchronize(self) -> None:
        assert not self.rules.active, "the host waits for an event within a capture"


def install(monkeypatch) -> Rules:
    """Check the rules for all engines that are made from now on."""
    rules = Rules()
    stand_ins.install(monkeypatch, rules)
    for name in FORBIDDEN:
        monkeypatch.setattr(streams.cuda, name, rules.forbid(name, getattr(streams.cuda, name)))
    return rules
