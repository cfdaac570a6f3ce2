"""Graphs: their nodes run in every order that the edges allow; updates; launches in a row."""

import ctypes

import pytest

from tests.emulator.driver.host import THREAD, Host, put
from tests.emulator.driver.refusals import refused
from tests.emulator.driver.test_captures import end


def instantiated(host, graph):
    return host.made(ctypes.c_void_p, "cuGraphInstantiateWithFlags", graph, 0)


class Fork:
    """A graph of two copies to one place; ordered: the second waits for the first."""

    def __init__(self, ordered=False, **options):
        self.host = host = Host(**options)
        host.enter()
        self.x, self.ones, self.twos = host.alloc(), host.pinned(), host.pinned()
        put(self.ones, [1.0] * 16)
        put(self.twos, [2.0] * 16)
        self.a, self.b = host.stream(), host.stream()
        self.graph = self.captured(ordered)

    def captured(self, ordered, size=4):
        host, (fork, join) = self.host, (self.host.event(), self.host.event())
        host.cuStreamBeginCapture(self.a, THREAD)
        if not ordered:
            host.cuEventRecord(fork, self.a)
        host.cuMemcpyHtoDAsync(self.x, self.ones, size, self.a)
        if ordered:
            host.cuEventRecord(fork, self.a)
        host.cuStreamWaitEvent(self.b, fork, 0)
        host.cuMemcpyHtoDAsync(self.x, self.twos, size, self.b)
        host.cuEventRecord(join, self.b)
        host.cuStreamWaitEvent(self.a, join, 0)
        return end(host, self.a)

    def run(self, executable):
        self.host.cuGraphLaunch(executable, self.a)
        self.host.cuStreamSynchronize(self.a)
        return self.host.read(self.x, 1)[0]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("ordered", "expected"), [(False, {1.0, 2.0}), (True, {2.0})])
def test_nodes_run_in_any_order_that_the_edges_allow(ordered, expected, late):
    seen = set()
    for seed in range(10):
        fork = Fork(ordered, seed=seed, late=late)
        seen.add(fork.run(instantiated(fork.host, fork.graph)))
    assert seen == expected


def test_a_graph_can_be_launched_again_and_outlives_what_it_was_made_from():
    fork = Fork(True)
    executable = instantiated(fork.host, fork.graph)
    fork.host.cuGraphDestroy(fork.graph)
    assert fork.run(executable) == 2.0
    put(fork.twos, [3.0])
    assert fork.run(executable) == 3.0
    fork.host.cuGraphExecDestroy(executable)
    with refused("INVALID_HANDLE", "no executable"):
        fork.run(executable)
    with refused("INVALID_HANDLE", "no graph"):
        fork.host.cuGraphDestroy(fork.graph)


def test_launches_of_a_graph_do_not_overlap():
    """Two launches on streams that do not wait for each other."""
    for seed in range(8):
        fork = Fork(True, late=True, seed=seed)
        executable = instantiated(fork.host, fork.graph)
        fork.host.cuGraphLaunch(executable, fork.a)
        first = fork.host.driver.stream(fork.a).last
        fork.host.cuGraphLaunch(executable, fork.b)
        second = fork.host.driver.stream(fork.b).last
        while not second.done:
            fork.host.driver.scheduler.nudge()
            assert first.done or not second.done
        assert first.done


def test_later_work_of_the_stream_waits_for_the_whole_graph():
    for seed in range(8):
        fork = Fork(late=True, seed=seed)
        y = fork.host.alloc()
        fork.host.cuGraphLaunch(instantiated(fork.host, fork.graph), fork.a)
        fork.host.cuMemcpyDtoDAsync(y, fork.x, 4, fork.a)
        fork.host.cuStreamSynchronize(fork.a)
        assert fork.host.read(y, 1) == fork.host.read(fork.x, 1)


def test_a_graph_is_updated_by_one_with_the_same_edges():
    fork = Fork(True)
    executable = instantiated(fork.host, fork.graph)
    result = ctypes.c_int(-1)
    fork.host.cuGraphExecUpdate(executable, fork.captured(True, size=8), ctypes.byref(result))
    assert result.value == 0
    fork.run(executable)
    assert fork.host.read(fork.x, 2) == [2.0, 2.0]
    with refused("GRAPH_EXEC_UPDATE_FAILURE", "other nodes or edges"):
        fork.host.cuGraphExecUpdate(executable, fork.captured(False), ctypes.byref(result))
    assert result.value != 0


def test_memory_that_a_graph_uses_must_still_be_there():
    fork = Fork(True)
    executable = instantiated(fork.host, fork.graph)
    fork.run(executable)
    fork.host.cuMemFree(fork.x)
    with refused("ILLEGAL_ADDRESS", "freed"):
        fork.host.cuGraphLaunch(executable, fork.a)
    assert "have been freed" in fork.host.driver.faults[0]
