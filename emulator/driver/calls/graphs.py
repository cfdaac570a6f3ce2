"""Graphs: instantiated, launched, updated.  Their nodes run in any order that the edges allow."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.objects import Executable, Graph, Node
from emulator.driver.registry import ADDRESS, HANDLE, POINTER, entry, put
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation, Work

_UPDATE_SUCCESS, _UPDATE_FAILED, _TOPOLOGY_CHANGED = 0, 1, 2


@entry(POINTER, HANDLE, ADDRESS, also=("cuGraphInstantiateWithFlags",))
def cuGraphInstantiate(driver: Driver, executable: int, graph: int | None, flags: int) -> None:
    """A graph that can be launched; the one that it was made from may be destroyed."""
    made = Executable(driver.handles.get(graph, Graph).nodes)
    put(executable, ctypes.c_void_p, driver.handles.new(made))


@entry(HANDLE, HANDLE)
def cuGraphLaunch(driver: Driver, executable: int | None, stream: int | None) -> None:
    """Enqueue all nodes behind the stream's work, and behind the last launch of the same graph."""
    found, place = driver.handles.get(executable, Executable), driver.stream(stream)
    if place.capture:
        why = "a graph is launched on a captured stream, which is not emulated"
        raise driver.invalidate(place.capture, Status.NOT_SUPPORTED, why)
    for node in found.nodes:
        node.operation.check()
    begin = _empty(place.device)
    late, driver.scheduler.late = driver.scheduler.late, True  # nothing runs before all is enqueued
    try:
        driver.enqueue(place, begin, found.last)
        first = place.last
        nodes = _enqueued(driver, found.nodes, first)
        driver.enqueue(place, _empty(place.device), *nodes)
    finally:
        driver.scheduler.late = late
    found.last = place.last
    driver.scheduler.settle()


def _enqueued(driver: Driver, nodes: list[Node], first: Work | None) -> list[Work]:
    works: list[Work] = []
    for node in nodes:
        before = [works[number] for number in node.after]
        works.append(driver.scheduler.hold(node.operation, before or filter(None, [first])))
    return works


def _empty(device: int) -> Operation:
    return Operation("empty", device, lambda: None)


@entry(HANDLE, HANDLE, POINTER)
def cuGraphExecUpdate(
    driver: Driver, executable: int | None, graph: int | None, result: int | None
) -> None:
    """Replace the operations of an instantiated graph by those of one with the same edges."""
    found, new = driver.handles.get(executable, Executable), driver.handles.get(graph, Graph)
    same = len(found.nodes) == len(new.nodes) and all(
        a.after == b.after and a.operation.kind == b.operation.kind
        for a, b in zip(found.nodes, new.nodes, strict=True)
    )
    if result:
        put(result, ctypes.c_int, _UPDATE_SUCCESS if same else _TOPOLOGY_CHANGED)
    if not same:
        raise Refused(Status.GRAPH_EXEC_UPDATE_FAILURE, "the graphs have other nodes or edges")
    found.nodes = new.nodes


@entry(HANDLE, POINTER, POINTER)
def cuGraphGetNodes(driver: Driver, graph: int | None, nodes: int | None, count: int) -> None:
    """Only their number is told; nodes have no handles here."""
    if nodes:
        raise Refused(Status.NOT_SUPPORTED, "nodes have no handles")
    put(count, ctypes.c_size_t, len(driver.handles.get(graph, Graph).nodes))


@entry(HANDLE, HANDLE)
def cuGraphUpload(driver: Driver, executable: int | None, stream: int | None) -> None:
    """There is nothing to upload."""
    driver.handles.get(executable, Executable)
    driver.stream(stream)


@entry(HANDLE)
def cuGraphDestroy(driver: Driver, graph: int | None) -> None:
    """Its handle is invalid from now on."""
    driver.handles.remove(graph, Graph)


@entry(HANDLE)
def cuGraphExecDestroy(driver: Driver, executable: int | None) -> None:
    """Likewise; launches that are under way go on."""
    driver.refuse_in_capture("cuGraphExecDestroy")
    driver.handles.remove(executable, Executable)
