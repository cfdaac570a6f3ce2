"""Streams and events: what waits for what, and what the host may ask."""

import ctypes

import pytest

from tests.emulator.driver.host import Host, put
from tests.emulator.driver.refusals import refused

BLOCKING, NON_BLOCKING = 0, 1


def late(seed=0, **options):
    host = Host(late=True, seed=seed, **options)
    host.enter()
    return host


def orders(first, second, seeds=12):
    """Which of two copies to the same place came last, over seeds.

    first(host), second(host, stream): enqueue a copy of 1 and one of 2.
    """
    seen = set()
    for seed in range(seeds):
        host = late(seed)
        x, ones, twos = host.alloc(), host.pinned(), host.pinned()
        put(ones, [1.0])
        put(twos, [2.0])
        stream = first(host, x, ones)
        second(host, x, twos, stream)
        host.cuCtxSynchronize()
        seen.add(host.read(x, 1)[0])
    return seen


def copy_on(flags):
    def enqueue(host, x, source, other=None):
        stream = host.stream(flags)
        host.cuMemcpyHtoDAsync(x, source, 4, stream)
        return stream

    return enqueue


def on_default(host, x, source, other=None):
    host.cuMemcpyHtoDAsync(x, source, 4, None)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (copy_on(BLOCKING), on_default, {2.0}),
        (on_default, copy_on(BLOCKING), {2.0}),
        (copy_on(NON_BLOCKING), on_default, {1.0, 2.0}),
        (on_default, copy_on(NON_BLOCKING), {1.0, 2.0}),
        (copy_on(BLOCKING), copy_on(BLOCKING), {1.0, 2.0}),
    ],
    ids=["blocking, default", "default, blocking", "free, default", "default, free", "two"],
)
def test_the_default_stream_and_blocking_ones_wait_for_each_other(first, second, expected):
    assert orders(first, second) == expected


def test_an_event_orders_two_streams():
    def waiting(host, x, source, stream):
        event, other = host.event(), host.stream()
        host.cuEventRecord(event, stream)
        host.cuStreamWaitEvent(other, event, 0)
        host.cuMemcpyHtoDAsync(x, source, 4, other)

    def not_waiting(host, x, source, stream):
        event, other = host.event(), host.stream()
        host.cuStreamWaitEvent(other, event, 0)  # which has not been recorded yet
        host.cuEventRecord(event, stream)
        host.cuMemcpyHtoDAsync(x, source, 4, other)

    assert orders(copy_on(NON_BLOCKING), waiting) == {2.0}
    assert orders(copy_on(NON_BLOCKING), not_waiting) == {1.0, 2.0}


def test_an_event_that_is_recorded_again_does_not_move_who_waits_already():
    host = late()
    x, source, a, b = host.alloc(), host.pinned(), host.stream(), host.stream()
    event = host.event()
    host.cuMemcpyHtoDAsync(x, source, 4, a)
    host.cuEventRecord(event, a)
    host.cuStreamWaitEvent(b, event, 0)
    waited = host.driver.stream(b).last
    host.cuMemcpyHtoDAsync(x, source, 4, a)
    host.cuEventRecord(event, a)
    host.cuStreamSynchronize(b)
    assert waited.done


def test_nothing_happens_before_the_host_waits():
    host = late()
    x, pinned, stream = host.alloc(), host.pinned(), host.stream()
    put(pinned, [4.0])
    host.cuMemcpyHtoDAsync(x, pinned, 4, stream)
    assert len(host.driver.scheduler.pending) == 1
    event = host.event()
    host.cuEventRecord(event, stream)
    with refused("NOT_READY"):
        host.cuEventQuery(event)
    host.cuStreamSynchronize(stream)
    host.cuEventQuery(event)
    host.cuStreamQuery(stream)


def test_who_asks_again_and_again_gets_an_answer():
    host = late()
    x, pinned, stream, event = host.alloc(), host.pinned(), host.stream(), host.event()
    for _ in range(5):
        host.cuMemcpyHtoDAsync(x, pinned, 4, stream)
    host.cuEventRecord(event, stream)
    answers = [host.table.cuEventQuery(event) for _ in range(8)]
    assert answers[0] == 600 and answers[-1] == 0


def test_streams_and_events_of_other_devices():
    host = Host(gpus=2)
    host.enter(0)
    stream, event = host.stream(), host.event()
    host.cuEventRecord(event, stream)
    host.enter(1)
    mine, other = host.stream(), host.event()
    with refused("INVALID_HANDLE", "different contexts"):
        host.cuEventRecord(event, mine)
    host.cuStreamWaitEvent(mine, event, 0)  # waits may cross devices
    host.cuEventSynchronize(event)
    host.cuEventRecord(other, mine)
    with refused("INVALID_HANDLE", "different devices"):
        host.made(ctypes.c_float, "cuEventElapsedTime", event, other)


def test_times_are_of_events_with_timing_that_have_happened():
    host = Host()
    host.enter()
    stream, start, end, bare = host.stream(), host.event(), host.event(), host.event(2)
    with refused("INVALID_HANDLE", "never recorded"):
        host.made(ctypes.c_float, "cuEventElapsedTime", start, end)
    for event in (start, end, bare):
        host.cuEventRecord(event, stream)
    assert host.made(ctypes.c_float, "cuEventElapsedTime", start, end) > 0
    with refused("INVALID_HANDLE", "without timing"):
        host.made(ctypes.c_float, "cuEventElapsedTime", start, bare)
    waiting = late()
    stream, start, end = waiting.stream(), waiting.event(), waiting.event()
    waiting.cuEventRecord(start, stream)
    waiting.cuEventRecord(end, stream)
    with refused("NOT_READY"):
        waiting.made(ctypes.c_float, "cuEventElapsedTime", start, end)


def test_handles_are_of_one_kind_and_end():
    host = Host()
    host.enter()
    stream, event = host.stream(), host.event()
    with refused("INVALID_HANDLE", "no event"):
        host.cuEventSynchronize(stream)
    host.cuStreamDestroy(stream)
    host.cuEventDestroy(event)
    with refused("INVALID_HANDLE", "no stream"):
        host.cuStreamSynchronize(stream)
    with refused("INVALID_HANDLE", "no event"):
        host.cuEventDestroy(event)
    with refused("INVALID_VALUE", "flags"):
        host.stream(2)


def test_work_of_a_destroyed_stream_is_done():
    host = late()
    x, pinned, stream = host.alloc(), host.pinned(), host.stream()
    put(pinned, [7.0])
    host.cuMemcpyHtoDAsync(x, pinned, 4, stream)
    event = host.event()
    host.cuEventRecord(event, stream)
    host.cuStreamDestroy(stream)
    host.cuEventSynchronize(event)
    assert host.read(x, 1) == [7.0]
