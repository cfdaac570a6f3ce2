"""Streams, events and captured graphs: how work is enqueued on GPUs."""

import weakref
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import permutations

import numpy as np
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError, device_to_device, host_to_device

from convnet.backends.cuda.jit import SIMULATED, DeviceArray, NumbaEvent, NumbaStream
from convnet.backends.cuda.runtime.stream_schedule import Stream
from convnet.errors import DeviceError


class Streams:
    """The CUDA streams of an engine's devices, made when first used.

    gpus: the physical GPU of each device.  are_peers: all of them can access each other's memory;
    otherwise copies between them pass through the host, and programs with such copies cannot be
    captured as graphs.  Only one thread may use the object.
    """

    def __init__(self, gpus: tuple[int, ...]):
        self.gpus = gpus
        self._streams: dict[Stream, object] = {}
        self._current: int | None = None  # the GPU of the `on` that is open
        _retain_contexts(set(gpus))
        pairs = permutations(sorted(set(gpus)), 2)
        self.are_peers = all([_enable_peer_access(gpu, other) for gpu, other in pairs])

    @contextmanager
    def on(self, device: int) -> Iterator[None]:
        """Make a device's GPU the current one within the context; cheap where it is already."""
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
    def deferring_frees(self) -> Iterator[None]:
        """Within the context Numba frees nothing on these GPUs, whatever Python collects."""
        with ExitStack() as stack:
            for gpu in sorted(set(self.gpus)):
                with cuda.gpus[gpu]:
                    stack.enter_context(cuda.current_context().defer_cleanup())
            yield

    def stream(self, stream: Stream) -> NumbaStream:
        """Return Numba's stream; it does not synchronize with CUDA's default stream."""
        if stream not in self._streams:
            with self.on(stream.device):
                self._streams[stream] = cuda.stream() if SIMULATED else self._new_stream(stream)
        return self._streams[stream]

    def _new_stream(self, stream):
        from cuda.bindings import driver

        flags = driver.CUstream_flags.CU_STREAM_NON_BLOCKING  # Numba's own ones are blocking
        handle = checked(driver.cuStreamCreate, flags.value)
        made = cuda.external_stream(int(handle))
        weakref.finalize(made, self.deallocator(stream.device), driver.cuStreamDestroy, handle)
        return made

    def deallocator(self, device: int) -> Callable[[Callable, object], None]:
        """Return free(function, handle), which calls function(handle) outside of captures.

        Within `deferring_frees` Numba calls the function when that context ends.
        """
        with self.on(device):
            return cuda.current_context().deallocations.add_item

    def event(self, device: int, timing: bool = False) -> NumbaEvent:
        """Return a new event of Numba's.  timing: it also takes the time."""
        with self.on(device):
            return cuda.event() if SIMULATED else cuda.event(timing=timing)

    def record(self, event: NumbaEvent, stream: Stream) -> None:
        """The event happens when all work enqueued so far on the stream is done."""
        with self.on(stream.device):
            event.record(self.stream(stream))

    def wait(self, event: NumbaEvent, stream: Stream) -> None:
        """Make later work of the stream wait for the event; the host does not wait."""
        with self.on(stream.device):
            event.wait(self.stream(stream))

    def wait_for(self, stream: Stream) -> None:
        """Block the host until the stream's work is done."""
        with self.on(stream.device):
            self.stream(stream).synchronize()

    def synchronize(self) -> None:
        """Block the host until all work on these GPUs is done."""
        for gpu in sorted(set(self.gpus)):
            with cuda.gpus[gpu]:
                cuda.synchronize()


class Mark:
    """A point in a stream that others wait for; before it is first set, nobody waits."""

    def __init__(self, streams: Streams, stream: Stream):
        self._streams, self._stream = streams, stream
        self._event, self._is_pending = None, False

    def set(self) -> None:
        """Move it behind the work that is enqueued now."""
        if self._event is None:
            self._event = self._streams.event(self._stream.device)
        self._streams.record(self._event, self._stream)
        self._is_pending = True

    def block(self, stream: Stream) -> None:
        """Make later work of a stream wait for it."""
        if self._is_pending:
            self._streams.wait(self._event, stream)

    def wait(self) -> None:
        """Block the host until the stream has reached it."""
        if self._is_pending:
            with self._streams.on(self._stream.device):
                self._event.synchronize()
            self._is_pending = False


class Graph:
    """A CUDA graph: work that is captured once and replayed as a whole.

    enqueue(): enqueues the work, beginning on the stream `origin` and joined to it at the end.  It
    must not compile or allocate anything, and the host must not wait in it.  One graph holds the
    work of all devices, because they wait for each other in the middle of a step.
    """

    def __init__(self, streams: Streams, origin: Stream, enqueue: Callable[[], None]):
        from cuda.bindings import driver

        self._driver, self._streams, self._origin = driver, streams, origin
        handle = driver.CUstream(int(streams.stream(origin).handle))
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        with streams.deferring_frees(), streams.on(origin.device):  # freeing would end the capture
            self._call(driver.cuStreamBeginCapture, handle, mode)
            try:
                enqueue()
            except BaseException:
                self._abandon(handle)
                raise
            graph = self._call(driver.cuStreamEndCapture, handle)
            self._executable = self._call(driver.cuGraphInstantiate, graph, 0)
            self._call(driver.cuGraphDestroy, graph)
        self._stream = handle
        free = streams.deallocator(origin.device)
        weakref.finalize(self, free, driver.cuGraphExecDestroy, self._executable)

    def launch(self) -> None:
        """Replay the work on the stream where it began."""
        with self._streams.on(self._origin.device):
            self._call(self._driver.cuGraphLaunch, self._executable, self._stream)

    def _abandon(self, handle):
        """End a capture whose work has failed; its status would hide what went wrong."""
        status, graph = self._driver.cuStreamEndCapture(handle)
        if status.value == 0:
            self._driver.cuGraphDestroy(graph)

    @staticmethod
    def _call(function, *arguments):
        hint = "; --no-graphs runs the same steps without CUDA graphs"
        return checked(function, *arguments, hint=hint)


def checked(function: Callable, *arguments, hint: str = "") -> object:
    """Call a function of the driver and return its result; DeviceError if it fails."""
    status, *found = function(*arguments)
    if status.value != 0:
        raise DeviceError(f"{function.__name__} failed with {status.name}{hint}")
    return found[0] if found else None


def _retain_contexts(gpus: Collection[int]) -> None:
    """Retain the primary context of each GPU, before any of them is the current one.

    When Numba retains a context it takes the current one off the thread's stack, and the `with
    cuda.gpus[...]` that put it there fails at its end.  A thread of its own has nothing to lose.
    The simulator has no contexts.
    """
    if SIMULATED:
        return
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda gpu: cuda.gpus[gpu].get_primary_context(), sorted(gpus)))


def _enable_peer_access(gpu, other):
    """Whether the hardware lets a GPU access the memory of another one, which is enabled then."""
    with cuda.gpus[gpu]:
        context = cuda.current_context()
        if not context.can_access_peer(other):
            return False
        try:
            context.enable_peer_access(cuda.gpus[other].get_primary_context().handle)
        except CudaAPIError as error:
            if "ALREADY_ENABLED" not in str(error):
                raise
        return True


def copy_call(
    target: DeviceArray, source: DeviceArray | np.ndarray, stream: NumbaStream
) -> Callable[[], None]:
    """Return a function that enqueues a copy of an array's bytes to a device array.

    source: on a device, or pinned.  The copy methods of Numba's arrays would check at each call
    whether the arrays fit, which takes longer than the copy's launch.
    """
    move = host_to_device if isinstance(source, np.ndarray) else device_to_device
    return partial(move, target, source, target.nbytes, stream)


def milliseconds(start: NumbaEvent, end: NumbaEvent) -> float:
    """Return the time between two events of one GPU; 0 in the simulator."""
    return 0.0 if SIMULATED else cuda.event_elapsed_time(start, end)


def can_capture() -> bool:
    """Whether there are CUDA graphs; the simulator has none."""
    return not SIMULATED
