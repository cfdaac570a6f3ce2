"""Streams, events and captured graphs: how work is queued on GPUs."""

from contextlib import ExitStack, contextmanager

from numba import cuda

from convnet.backends.cuda.compiling import SIMULATED
from convnet.backends.cuda.order import COMPUTE, Stream
from convnet.errors import DeviceError


class Queues:
    """The CUDA streams of an engine's devices, made when first used."""

    def __init__(self, gpus: tuple[int, ...]):
        self.gpus = gpus
        self._streams: dict[Stream, object] = {}

    @contextmanager
    def on(self, device: int):
        """Makes a spec device's GPU the current one."""
        with cuda.gpus[self.gpus[device]]:
            yield

    @contextmanager
    def keeping(self):
        """Within it Numba frees nothing on these GPUs, whatever Python's collector finds."""
        with ExitStack() as stack:
            for gpu in sorted(set(self.gpus)):
                with cuda.gpus[gpu]:
                    stack.enter_context(cuda.current_context().defer_cleanup())
            yield

    def stream(self, stream: Stream):
        if stream not in self._streams:
            with self.on(stream.device):
                self._streams[stream] = cuda.stream()
        return self._streams[stream]

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

    def synchronize(self) -> None:
        for gpu in sorted(set(self.gpus)):
            with cuda.gpus[gpu]:
                cuda.synchronize()


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

    def launch(self) -> None:
        with self._queues.on(self._origin.device):
            self._call(self._driver.cuGraphLaunch, self._executable, self._stream)

    def _call(self, function, *arguments):
        status, *found = function(*arguments)
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise DeviceError(
                f"{function.__name__} failed with {status.name}; --no-graphs runs the same steps "
                "without CUDA graphs"
            )
        return found[0] if found else None


def milliseconds(start, end) -> float:
    """Between two events of one GPU; the simulator's know no time."""
    return 0.0 if SIMULATED else cuda.event_elapsed_time(start, end)


def can_capture() -> bool:
    """The simulator knows no graphs."""
    return not SIMULATED


def origin_of(devices: list[int]) -> Stream:
    """Where a program starts and ends."""
    return Stream(min(devices, default=0), COMPUTE)
