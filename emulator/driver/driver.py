"""The driver's state, and the rules that several entry points share."""

import sys
import threading
from collections import Counter

from emulator.driver.objects import (
    LEGACY,
    PER_THREAD,
    RELAXED_MODE,
    Capture,
    Context,
    Event,
    Handles,
    HostMemory,
    Stream,
)
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation, Scheduler, Work
from emulator.machine import Machine, Observer
from emulator.machine.memory.arena import Arena
from emulator.options import Options


class Driver:
    """Some GPUs, their contexts and memory, and all that is enqueued on them.

    faults: what kernels did and must not, and calls that the emulator has not.  refusals: calls
    that were refused, with the rule.  calls: how often each entry point was called.  observer: is
    told of all that kernels do.
    """

    def __init__(self, options: Options, observer: Observer | None = None) -> None:
        self.options = options
        self.arena = Arena(options.memory, options.gpus)
        self.machine = Machine(self.arena, options, observer)
        self.scheduler = Scheduler(options.seed, options.late)
        self.handles, self.host = Handles(), HostMemory()
        self.contexts = [Context(device) for device in range(options.gpus)]
        for context in self.contexts:
            context.handle = self.handles.new(context)
        self.captures: list[Capture] = []
        self.clock = 0.0
        self.faults: list[str] = []
        self.refusals: list[str] = []
        self.calls: Counter[str] = Counter()
        self._thread = threading.local()

    # -- contexts ------------------------------------------------------------------------------

    @property
    def stack(self) -> list[Context]:
        """The contexts of this thread; the last is the current one."""
        found: list[Context] = self._thread.__dict__.setdefault("stack", [])
        return found

    @property
    def context(self) -> Context:
        """The current context; Refused without one, or where it has been destroyed."""
        if not self.stack:
            raise Refused(Status.INVALID_CONTEXT, "no context is current to this thread")
        if not self.stack[-1].retained:
            raise Refused(Status.CONTEXT_IS_DESTROYED, "the current context has been destroyed")
        return self.stack[-1]

    def context_of(self, handle: int | None) -> Context:
        """The context of a handle, which must exist."""
        found = self.handles.get(handle, Context)
        if not found.retained:
            raise Refused(Status.INVALID_CONTEXT, f"the context of GPU {found.device} is released")
        return found

    def device(self, number: int) -> int:
        """A device's number, checked."""
        if not 0 <= number < self.options.gpus:
            raise Refused(Status.INVALID_DEVICE, f"device {number} of {self.options.gpus}")
        return number

    def reaches(self, device: int, other: int) -> bool:
        """Whether kernels of a device may use memory of the other."""
        return device == other or other in self.contexts[device].peers

    # -- streams -------------------------------------------------------------------------------

    def stream(self, handle: int | None) -> Stream:
        """The stream of a handle; those of the default streams are of the current context."""
        if handle in (None, 0, LEGACY):
            return self.legacy(self.context)
        if handle == PER_THREAD:
            streams, thread = self.context.per_thread, threading.get_ident()
            return streams.setdefault(thread, Stream(self.context.device, blocking=True))
        return self.handles.get(handle, Stream)

    def legacy(self, context: Context) -> Stream:
        """The legacy default stream of a context."""
        if context.default is None:
            context.default = Stream(context.device, blocking=False, is_default=True)
        return context.default

    def streams(self, device: int | None = None) -> list[Stream]:
        """All streams, or those of a device."""
        found = [stream for _, stream in self.handles.all(Stream)]
        for context in self.contexts:
            found += [*context.per_thread.values(), *filter(None, [context.default])]
        return [s for s in found if device is None or s.device == device]

    def enqueue(self, stream: Stream, operation: Operation, *after: Work | None) -> None:
        """Append an operation to a stream, or to its capture; `after`: other work to wait for."""
        if stream.capture:
            self.refuse_invalid(stream.capture)
            stream.after = stream.capture.add(operation, stream.after)
            return
        before = [*self._before(stream), *filter(None, after)]
        stream.last = self.scheduler.hold(operation, before)
        self.scheduler.settle()

    def _before(self, stream: Stream) -> list[Work]:
        """What the next work of a stream follows by itself.

        The legacy default stream: CUDA runtime API, "Stream synchronization behavior".
        """
        found = [stream.last]
        if stream.is_default:
            self.refuse_captured_blocking(stream.device)
            mine = self.streams(stream.device)
            found += [s.last for s in mine if s.blocking]
        elif stream.blocking:
            default = self.contexts[stream.device].default
            found.append(default.last if default else None)
        return [work for work in found if work is not None and not work.done]

    def wait_for(self, streams: list[Stream]) -> None:
        """Block the host until all that was enqueued there is done."""
        self.scheduler.wait([s.last for s in streams if s.last is not None])

    # -- captures ------------------------------------------------------------------------------

    def refuse_in_capture(self, what: str) -> None:
        """Refuse a call that may wait for other work, as the modes of captures ask for.

        CUDA runtime API, cudaThreadExchangeStreamCaptureMode: a global capture forbids it in every
        thread, a thread-local one in its own thread, a relaxed one nowhere.
        """
        thread = threading.get_ident()
        if self.mode == RELAXED_MODE:
            return
        for capture in self.captures:
            mine = capture.thread == thread
            if capture.mode != RELAXED_MODE and (mine or capture.mode == self.mode == 0):
                capture.invalid = capture.invalid or f"{what} during the capture"
                raise Refused(Status.STREAM_CAPTURE_UNSUPPORTED, f"{what} during a capture")

    @property
    def mode(self) -> int:
        """This thread's capture mode: global until it is exchanged."""
        return int(self._thread.__dict__.get("mode", 0))

    @mode.setter
    def mode(self, value: int) -> None:
        self._thread.mode = value

    def invalidate(self, capture: Capture, status: Status, why: str) -> Refused:
        """Make a capture useless; return the refusal."""
        capture.invalid = capture.invalid or why
        return Refused(status, why)

    def refuse_captured_blocking(self, device: int) -> None:
        """Refuse work of the legacy default stream while a blocking stream is captured."""
        why = "the legacy default stream would wait for a captured stream"
        for stream in self.streams(device):
            if stream.blocking and stream.capture:
                raise self.invalidate(stream.capture, Status.STREAM_CAPTURE_IMPLICIT, why)

    @staticmethod
    def refuse_invalid(capture: Capture) -> None:
        """Nothing is added to a capture that is of no use any more."""
        if capture.invalid:
            raise Refused(Status.STREAM_CAPTURE_INVALIDATED, capture.invalid)

    # -- reports -------------------------------------------------------------------------------

    def report_fault(self, text: str) -> None:
        """Note what no program may do."""
        self.faults.append(text)
        print(f"emulator: {text}", file=sys.stderr, flush=True)

    def forget_events(self, capture: Capture) -> None:
        """Events that were recorded in a capture that has ended were never recorded."""
        for _, event in self.handles.all(Event):
            if event.capture is capture:
                event.capture, event.after, event.work = None, frozenset(), None
