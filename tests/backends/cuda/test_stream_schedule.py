"""Streams and waits of a program on several devices; needs no CUDA."""

import numpy as np
import pytest

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, COPIES, Stream, schedule
from convnet.network.planner import make_plan
from tests.support.rows import graph_of

LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=8
[labels]
type=data
dataIdx=1
[c0]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
gpu=0
[c1]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
gpu=1
[d0]
type=conv
inputs=c0,c1
channels=4,4
filters=4,4
filterSize=3,3
initW=0.1,0.1
gpu=0
[f]
type=fc
inputs=d0
outputs=5
initW=0.1
gpu=0
[p]
type=softmax
inputs=f
gpu=0
[cost]
type=cost.logreg
inputs=labels,p
gpu=0
"""
# Rates at which training does not diverge: rounding errors would grow with it.
PARAMS = "\n".join(
    f"[{name}]\nepsW={','.join(['0.01'] * n)}\nepsB=0.01\nmomW={','.join(['0.9'] * n)}\nmomB=0.9\n"
    f"wc={','.join(['0'] * n)}"
    for name, n in (("c0", 1), ("c1", 1), ("d0", 2), ("f", 1))
)

WRITTEN = {"transfer.copy": (1,), "transfer.copy_half": (1,)}


def written(step):
    """The positions that a step writes: a copy its target; for others all, the strictest case."""
    return WRITTEN.get(step.operation, range(len(step.arguments)))


@pytest.fixture(scope="module")
def steps():
    graph = graph_of(LAYERS, PARAMS + "\n[cost]\ncoeff=1\n", {0: 192, 1: 1})
    return make_plan(graph, 4).programs["train"]


def test_kernels_and_arriving_copies_have_streams_of_their_own(steps):
    scheduled = schedule(steps, written)
    streams = {str(item.stream) for item in scheduled}
    kinds = {(0, COMPUTE), (1, COMPUTE), (0, COPIES), (1, COPIES)}
    assert streams == {str(Stream(*kind)) for kind in kinds}
    for item in scheduled:
        is_copy = item.step.operation in WRITTEN
        assert item.stream.kind == (COPIES if is_copy else COMPUTE)


def earlier_steps(scheduled):
    """For each step, those that are certain to be done before: by its stream, and by waits."""
    found, last = [], {}
    for number, item in enumerate(scheduled):
        known = set()
        for earlier in [*item.waits, *([last[item.stream]] if item.stream in last else [])]:
            known |= found[earlier] | {earlier}
        found.append(known)
        last[item.stream] = number
    return found


def accesses(step):
    for position, view in enumerate(step.arguments):
        if hasattr(view, "buffer"):
            rows = np.arange(view.start, view.start + view.size)
            yield view.buffer, set(rows.tolist()), position in written(step)


def conflict(first, second) -> bool:
    return any(
        a is b and rows & others and (writes or changes)
        for a, rows, writes in accesses(first)
        for b, others, changes in accesses(second)
    )


def test_every_conflicting_access_is_schedule(steps):
    scheduled = schedule(steps, written)
    known = earlier_steps(scheduled)
    crossing = 0
    for later, item in enumerate(scheduled):
        for earlier in range(later):
            if conflict(scheduled[earlier].step, item.step):
                crossing += scheduled[earlier].stream != item.stream
                assert earlier in known[later], (str(scheduled[earlier].step), str(item.step))
    assert crossing > 5


def test_a_copy_does_not_wait_for_work_it_has_nothing_to_do_with(steps):
    """The copy of c1's output to device 0 runs beside d0's first product."""
    scheduled = schedule(steps, written)
    known = earlier_steps(scheduled)
    place = next(
        n for n, p in enumerate(scheduled) if p.step.layer == "d0" and p.step.phase == "forward"
    )
    arrival = next(
        n for n, p in enumerate(scheduled)
        if p.stream == Stream(0, COPIES) and "c1" in str(p.step) and p.step.phase == "forward"
    )  # fmt: skip
    assert arrival not in known[place] or place not in known[arrival]
    assert place not in known[arrival]


def test_waits_are_marked(steps):
    scheduled = schedule(steps, written)
    waited = {number for item in scheduled for number in item.waits}
    assert waited == {number for number, item in enumerate(scheduled) if item.awaited}
