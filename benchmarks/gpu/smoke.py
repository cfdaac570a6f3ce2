"""Part "smoke": the mechanisms that everything else uses, each once, against NumPy."""

import time
from collections.abc import Iterator

import numpy as np
from numba import cuda

from benchmarks.gpu.records import Failed
from benchmarks.gpu.settings import Settings, settings
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ops import fc
from convnet.backends.cuda.runtime.launch import Array
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, COPIES, Stream
from convnet.backends.cuda.runtime.streams import Graph, Streams

TOLERANCES = {"fp32": 3e-6, "tf32": 1e-3, "bf16": 8e-3}
REHEARSED = settings().rehearsal
COUNT = 1 << 10 if REHEARSED else 1 << 24
DEPTH = 128 if REHEARSED else 4608  # a product's ring buffer is used many times over
BLOCKS = 2 if REHEARSED else 1024


@kernel
def _double_and_add(x, added, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        x[e] = np.float32(2) * x[e] + added


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    yield "device", device
    yield "launch", launch
    for precision in settings.precisions:
        yield f"product {precision}", lambda p=precision: product(p)
    yield "repeated product", lambda: repeats(settings)
    yield "pinned copies", pinned
    yield "two streams", streams
    yield "captured graph", graph


def device() -> dict:
    from convnet.commands.listing.devices import gpus

    return {"gpus": gpus()}


def same(found: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Raise Failed where the arrays differ."""
    wrong = int(np.count_nonzero(found != expected))
    if wrong:
        raise Failed(f"{wrong} of {expected.size} numbers are wrong {what}", {"wrong": wrong})


def launch() -> dict:
    values = np.arange(COUNT, dtype=np.float32)
    memory = cuda.to_device(values)
    _double_and_add.configured((BLOCKS,), cuda.stream())(memory, np.float32(1), np.int32(COUNT))
    cuda.synchronize()
    same(memory.copy_to_host(), 2 * values + 1)
    return {"numbers": COUNT}


# -- products ------------------------------------------------------------------


def _array(values) -> Array:
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    return Array(cuda.to_device(flat.view(np.uint8)), 0, values.shape, np.dtype(np.float32))


def _multiplied(w, x, precision) -> np.ndarray:
    """w x by the kernels of full connections."""
    y = _array(np.full((w.shape[0], x.shape[1]), np.nan))
    arguments, extra = (_array(x), _array(w), y, False), {"precision": precision}
    size = max(256, int(fc.forward.scratch_size(*arguments, **extra) or 0))
    scratch = Array(cuda.to_device(np.zeros(size, np.uint8)), 0, (size,), np.dtype(np.uint8))
    stream = cuda.stream()
    for item in fc.forward(*arguments, **extra, scratch=scratch):
        values = [cuda.to_device(v) if isinstance(v, np.ndarray) else v for v in item.arguments]
        values = [v.on_device() if isinstance(v, Array) else v for v in values]
        item.kernel.configured(item.blocks, stream)(*values)
    cuda.synchronize()
    return y.on_device().copy_to_host().reshape(y.shape)


def _operands(rows, depth, columns):
    rng = np.random.default_rng(7)
    return (rng.standard_normal(s).astype(np.float32) for s in ((rows, depth), (depth, columns)))


def product(precision: str) -> dict:
    """Tensor cores or register tiles, fed by asynchronous copies."""
    w, x = _operands(96, DEPTH, 128)
    exact = w.astype(np.float64) @ x.astype(np.float64)
    error = np.linalg.norm(_multiplied(w, x, precision) - exact) / np.linalg.norm(exact)
    figures = {"error": float(f"{error:.2e}")}
    if not error < TOLERANCES[precision]:
        raise Failed(f"the error is {error:.2e}, allowed {TOLERANCES[precision]:.0e}", figures)
    return figures


def repeats(settings: Settings) -> dict:
    """The same bits ten times; tiles that are read before their copy is done would differ."""
    w, x = _operands(64, DEPTH, 64)
    times = 2 if REHEARSED else 10
    for precision in settings.precisions:
        first = _multiplied(w, x, precision)
        for _ in range(times):
            same(_multiplied(w, x, precision), first, f"in {precision}")
    return {"times": times}


# -- copies, streams, graphs ------------------------------------------------------------------


def pinned() -> dict:
    """Upload from pinned memory, run a kernel, download; return the GB/s of the upload."""
    host = cuda.pinned_array(COUNT, np.float32)
    host[:] = np.arange(COUNT)
    stream, memory = cuda.stream(), cuda.device_array(COUNT, np.float32)
    memory.copy_to_device(host, stream=stream)
    stream.synchronize()
    started = time.perf_counter()
    memory.copy_to_device(host, stream=stream)
    stream.synchronize()
    seconds = time.perf_counter() - started
    _double_and_add.configured((BLOCKS,), stream)(memory, np.float32(3), np.int32(COUNT))
    back = cuda.pinned_array(COUNT, np.float32)
    memory.copy_to_host(back, stream=stream)
    stream.synchronize()
    same(back, 2 * np.arange(COUNT, dtype=np.float32) + 3)
    return {"GB/s": round(host.nbytes / seconds / 1e9, 2)}


def streams() -> dict:
    """A stream waits for another one's event, twenty times in a row."""
    own = Streams((0,))
    compute, copies = Stream(0, COMPUTE), Stream(0, COPIES)
    memory = cuda.to_device(np.zeros(COUNT, np.float32))
    kernels = {s: _double_and_add.configured((BLOCKS,), own.stream(s)) for s in (compute, copies)}
    expected = np.float32(0)
    for number in range(20):
        mine, other = (compute, copies) if number % 2 else (copies, compute)
        kernels[mine](memory, np.float32(1), np.int32(COUNT))
        event = own.event(0)
        own.record(event, mine)
        own.wait(event, other)
        expected = 2 * expected + 1
    own.synchronize()
    same(memory.copy_to_host(), np.full(COUNT, expected))
    return {"turns": 20}


def graph() -> dict:
    """Kernels on two streams, captured once and replayed."""
    own = Streams((0,))
    compute, copies = Stream(0, COMPUTE), Stream(0, COPIES)
    memory = cuda.to_device(np.zeros(COUNT, np.float32))
    kernels = {s: _double_and_add.configured((BLOCKS,), own.stream(s)) for s in (compute, copies)}
    events = own.event(0), own.event(0)

    def enqueue():
        kernels[compute](memory, np.float32(1), np.int32(COUNT))
        own.record(events[0], compute)
        own.wait(events[0], copies)
        kernels[copies](memory, np.float32(1), np.int32(COUNT))
        own.record(events[1], copies)
        own.wait(events[1], compute)

    enqueue()  # without a graph: compiles the kernels
    own.synchronize()
    made = Graph(own, compute, enqueue)
    for _ in range(5):
        made.launch()
    own.synchronize()
    same(memory.copy_to_host(), np.full(COUNT, np.float32(2**12 - 1)))
    return {"replays": 5}
