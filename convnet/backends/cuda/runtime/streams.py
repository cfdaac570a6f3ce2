"""Streams, events and captured graphs: how work is queued on GPUs."""

import weakref
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import permutations

import numpy as np
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError, device_to_device, host_to_device

from convnet.backends.cuda.jit import SIMULATED
from convnet.backends.cuda.runtime.stream_schedule import Stream
from convnet.errors import DeviceError


class Queues:
    """The CUDA streams of an engine's devices, made when first used.  For one thread."""

    def __init__(self, gpus: tuple[int, ...]):
        self.gpus = gpus
        self._streams: dict[Stream, object] = {}
        self._current: int | None = None  # the GPU of the `on` that is open
        for gpu, other in permutations(sorted(set(gpus)), 2):
            _open_way(gpu, other)

    @contextmanager
    def on(self, device: int):
        """Makes a spec device's GPU the current one; costs little where it is already."""
        gpu, before = self.gpus[device], self._current
        if gpu == before:
            yield
            return
        with cuda.gpus[gpu]:
            self._current = gpu
            try:
                yield
            finally:
                self._current = before

    @contextmanager
    def keeping(self):
        """Within it Numba frees nothing on these GPUs, whatever Python's collector finds."""
        with ExitStack() as stack:
            for gpu in sorted(set(self.gpus)):
                with cuda.gpus[gpu]:
                    stack.enter_context(cuda.current_context().defer_cleanup())
            yield

    def stream(self, stream: Stream):
        """Numba's stream.  It does not wait for CUDA's default stream, nor that one for it."""
        if stream not in self._streams:
            with self.on(stream.device):
                self._streams[stream] = cuda.stream() if SIMULATED else self._new_stream(stream)
        return self._streams[stream]

    def _new_stream(self, stream):
        from cuda.bindings import driver

        flags = driver.CUstream_flags.CU_STREAM_NON_BLOCKING  # Numba's own ones are blocking
        handle = called(driver.cuStreamCreate, flags.value)
        made = cuda.external_stream(int(handle))
        weakref.finalize(made, self.freeing(stream.device), driver.cuStreamDestroy, handle)
        return made

    def freeing(self, device: int) -> Callable:
        """free(function, handle), for when nobody uses the handle any more: not within a capture.

        Where `keeping` is in force, Numba calls the function when that is over.
        """
        with self.on(device):
            return cuda.current_context().deallocations.add_item

    def event(self, device: int, timing: bool = False):
        with self.on(device):
            return cuda.event() if SIMULATED else cuda.event(timing=timing)

    def record(self, event, stream: Stream) -> None:
        with self.on(stream.device):
            event.record(self.stream(stream))

    def wait(self, event, stream: Stream) -> None:
        """Later work of the stream waits for the event; the host does not."""
        with self.on(stream.device):
            event.wait(self.stream(stream))

    def finish(self, stream: Stream) -> None:
        """The host waits until the stream's work is done."""
        with self.on(stream.device):
            self.stream(stream).synchronize()

    def synchronize(self) -> None:
        """The host waits for all work on these GPUs."""
        for gpu in sorted(set(self.gpus)):
            with cuda.gpus[gpu]:
                cuda.synchronize()


class Mark:
    """A point in a stream that others wait for.  Before it is first set, nobody does."""

    def __init__(self, queues: Queues, stream: Stream):
        self._queues, self._stream = queues, stream
        self._event, self._is_ahead = None, False

    def set(self) -> None:
        """Behind the work that is queued now."""
        if self._event is None:
            self._event = self._queues.event(self._stream.device)
        self._queues.record(self._event, self._stream)
        self._is_ahead = True

    def hold_up(self, stream: Stream) -> None:
        """Later work of a stream waits for it."""
        if self._is_ahead:
            self._queues.wait(self._event, stream)

    def wait(self) -> None:
        """The host waits for it."""
        if self._is_ahead:
            with self._queues.on(self._stream.device):
                self._event.synchronize()
            self._is_ahead = False


class Graph:
    """Work captured once and launched again as a whole.

    queue(): queues the work, starting from the stream `origin` and joined to it at the end.  In it
    nothing is compiled, allocated or waited for by the host.  One graph holds the work of all
    devices, since they wait for each other in the middle of a step.
    """

    def __init__(self, queues: Queues, origin: Stream, queue):
        from cuda.bindings import driver

        self._driver, self._queues, self._origin = driver, queues, origin
        handle = driver.CUstream(int(queues.stream(origin).handle))
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        with queues.keeping(), queues.on(origin.device):  # freeing would end the capture
            self._call(driver.cuStreamBeginCapture, handle, mode)
            try:
                queue()
            finally:
                graph = self._call(driver.cuStreamEndCapture, handle)
            self._executable = self._call(driver.cuGraphInstantiate, graph, 0)
            self._call(driver.cuGraphDestroy, graph)
        self._stream = handle
        free = queues.freeing(origin.device)
        weakref.finalize(self, free, driver.cuGraphExecDestroy, self._executable)

    def launch(self) -> None:
        with self._queues.on(self._origin.device):
            self._call(self._driver.cuGraphLaunch, self._executable, self._stream)

    @staticmethod
    def _call(function, *arguments):
        hint = "; --no-graphs runs the same steps without CUDA graphs"
        return called(function, *arguments, hint=hint)


def called(function: Callable, *arguments, hint: str = ""):
    """The result of a function of the driver; DeviceError if it fails."""
    status, *found = function(*arguments)
    if status.value != 0:
        raise DeviceError(f"{function.__name__} failed with {status.name}{hint}")
    return found[0] if found else None


def _open_way(gpu, other):
    """Lets copies between two GPUs go without the host, where the hardware can."""
    with cuda.gpus[gpu]:
        context = cuda.current_context()
        if context.can_access_peer(other):
            try:
                context.enable_peer_access(cuda.gpus[other].get_primary_context().handle)
            except CudaAPIError as error:
                if "ALREADY_ENABLED" not in str(error):
                    raise


def copying(target, source, stream) -> Callable:
    """What queues a copy of an array's bytes to a device array; source: of a device, or pinned.

    Numba's arrays find out at each call whether they fit, which takes longer than the call.
    """
    move = host_to_device if isinstance(source, np.ndarray) else device_to_device
    return partial(move, target, source, target.nbytes, stream)


def milliseconds(start, end) -> float:
    """Between two events of one GPU; the simulator's know no time."""
    return 0.0 if SIMULATED else cuda.event_elapsed_time(start, end)


def can_capture() -> bool:
    """The simulator knows no graphs."""
    return not SIMULATED
