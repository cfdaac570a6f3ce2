"""Streams, memory and host copies, with fakes for several GPUs."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

driver = pytest.importorskip("cuda.bindings.driver", reason="numba-cuda is not installed")

from convnet.backends.cuda.runtime import (  # noqa: E402
    host_copy,
    memory,
    stream_schedule,
    streams,
)
from convnet.errors import DeviceError  # noqa: E402


class Cuda:
    """GPUs 0 and 1 have peer access to each other, 2 has none.  seen: calls and the current GPU.

    stack: a thread's.  As in Numba, the first `get_primary_context` of a GPU replaces its top.
    """

    def __init__(self):
        self.seen, self._own, self.retained = [], threading.local(), set()
        self.gpus = [self.gpu(number) for number in range(3)]

    @property
    def stack(self):
        return self._own.__dict__.setdefault("stack", [])

    def primary(self, number):
        if number not in self.retained and self.stack:
            self.stack.pop()
        self.retained.add(number)
        return SimpleNamespace(handle=f"context {number}")

    def gpu(self, number):
        @contextmanager
        def entered():
            self.stack.append(number)
            try:
                yield
            finally:
                self.stack.pop()

        found = type("Gpu", (), {"get_primary_context": lambda _: self.primary(number)})()
        opened = []
        type(found).__enter__ = lambda _: opened.append(entered()) or opened[-1].__enter__()
        type(found).__exit__ = lambda _, *error: opened.pop().__exit__(*error)
        return found

    def current_context(self):
        here = self.stack[-1]
        return SimpleNamespace(
            can_access_peer=lambda other: {here, other} == {0, 1},
            enable_peer_access=lambda handle: self.enable(here, handle),
            deallocations=SimpleNamespace(add_item=lambda *what: self.seen.append((here, *what))),
        )

    def enable(self, here, handle):
        self.seen.append((here, handle))
        if here == 1:
            raise streams.CudaAPIError(704, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED")

    def event(self, timing):
        return SimpleNamespace(gpu=self.stack[-1])

    def external_stream(self, handle):
        return Stream(self.stack[-1], handle)


class Stream:
    def __init__(self, gpu, handle):
        self.gpu, self.handle = gpu, handle


@pytest.fixture
def numba(monkeypatch):
    made = Cuda()
    monkeypatch.setattr(streams, "cuda", made)
    monkeypatch.setattr(memory, "cuda", made)
    return made


def test_copies_between_gpus_are_direct_where_they_can_be(numba):
    made = streams.Streams((0, 2, 1, 0))
    assert numba.seen == [(0, "context 1"), (1, "context 0")]
    assert not made.are_peers
    assert all(streams.Streams(gpus).are_peers for gpus in ((0, 1), (2,), (2, 2)))
    assert numba.stack == []


def test_no_current_context_is_lost(numba):
    with numba.gpus[0]:
        streams.Streams((1, 2, 0))
        assert numba.stack == [0] and numba.retained == {0, 1, 2}


def test_the_current_gpu_is_that_of_the_device(numba):
    made = streams.Streams((2, 1, 2))
    with made.on(0):
        assert numba.stack == [2]
        with made.on(2), made.on(1), made.on(0):
            assert numba.stack == [2, 1, 2]
            assert made.event(1).gpu == 1
        with pytest.raises(ZeroDivisionError), made.on(1):
            _ = 1 / 0
        assert made.event(0).gpu == 2
    assert numba.stack == []


def test_streams_are_non_blocking_and_freed_with_their_owner(numba, monkeypatch):
    flags, good = [], driver.CUresult.CUDA_SUCCESS
    monkeypatch.setattr(driver, "cuStreamCreate", lambda flag: (good, flags.append(flag) or 77))
    made = streams.Streams((2, 1))
    stream = made.stream(stream_schedule.Stream(1, stream_schedule.COMPUTE))
    assert stream is made.stream(stream_schedule.Stream(1, stream_schedule.COMPUTE))
    assert (stream.gpu, stream.handle) == (1, 77)
    assert flags == [driver.CUstream_flags.CU_STREAM_NON_BLOCKING.value]
    del stream, made
    assert numba.seen == [(1, driver.cuStreamDestroy, 77)]


def test_memory_that_the_driver_refuses_is_an_error_with_its_size(numba):
    def refuse(*_):
        raise memory.CudaAPIError(2, "Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    numba.device_array = numba.pinned_array = refuse
    made = streams.Streams((1,))
    with pytest.raises(DeviceError, match="GPU 1 has no 3.00 GB left. Lower --minibatch"):
        memory.allocate(made, 0, 3_000_000_000)
    with pytest.raises(DeviceError, match="pinned memory has no 0.50 GB left"):
        memory.allocate(made, -1, 500_000_000)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (1000, 3), (1001, 7), (1, 5000)])
def test_rows_are_copied_by_several_threads(rows, columns, monkeypatch):
    monkeypatch.setattr(host_copy, "VALUES_PER_THREAD", 1000)
    whole = np.arange(2.0 * rows * columns).reshape(rows, -1)
    target = np.zeros((rows, columns), np.float32)
    host_copy.copy_rows(target, whole[:, columns:])
    assert np.array_equal(target, whole[:, columns:])
