"""Streams and waits of a program on several devices; needs no CUDA."""

import numpy as np
import pytest

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, COPIES, Stream, ordered
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
PARAMS = "\n".join(
    f"[{name}]\nepsW={','.join(['0.1'] * n)}\nepsB=0.1\nmomW={','.join(['0.9'] * n)}\nmomB=0.9\n"
    f"wc={','.join(['0'] * n)}"
    for name, n in (("c0", 1), ("c1", 1), ("d0", 2), ("f", 1))
)

WRITTEN = {"transfer.copy": (1,), "transfer.copy_half": (1,)}


def written(step):
    """Positions changed: of a copy its target, of anything else all, which is the strictest."""
    return WRITTEN.get(step.operation, range(len(step.arguments)))


@pytest.fixture(scope="module")
def steps():
    graph = graph_of(LAYERS, PARAMS + "\n[cost]\ncoeff=1\n", {0: 192, 1: 1})
    return make_plan(graph, 4).programs["train"]


def test_kernels_and_arriving_copies_have_streams_of_their_own(steps):
    pieces = ordered(steps, written)
    streams = {str(piece.stream) for piece in pieces}
    kinds = {(0, COMPUTE), (1, COMPUTE), (0, COPIES), (1, COPIES)}
    assert streams == {str(Stream(*kind)) for kind in kinds}
    for piece in pieces:
        is_copy = piece.step.operation in WRITTEN
        assert piece.stream.kind == (COPIES if is_copy else COMPUTE)


def after(pieces):
    """All pieces that are certain to be finished before each: by its stream, and by waits."""
    found, last = [], {}
    for number, piece in enumerate(pieces):
        known = set()
        for earlier in [*piece.waits, *([last[piece.stream]] if piece.stream in last else [])]:
            known |= found[earlier] | {earlier}
        found.append(known)
        last[piece.stream] = number
    return found


def touches(step):
    for position, view in enumerate(step.arguments):
        if hasattr(view, "buffer"):
            rows = np.arange(view.start, view.start + view.size)
            yield view.buffer, set(rows.tolist()), position in written(step)


def conflict(first, second) -> bool:
    return any(
        a is b and rows & others and (writes or changes)
        for a, rows, writes in touches(first)
        for b, others, changes in touches(second)
    )


def test_every_conflicting_access_is_ordered(steps):
    pieces = ordered(steps, written)
    known = after(pieces)
    crossing = 0
    for later, piece in enumerate(pieces):
        for earlier in range(later):
            if conflict(pieces[earlier].step, piece.step):
                crossing += pieces[earlier].stream != piece.stream
                assert earlier in known[later], (str(pieces[earlier].step), str(piece.step))
    assert crossing > 5


def test_a_copy_does_not_wait_for_work_it_has_nothing_to_do_with(steps):
    """The copy of c1's output to device 0 goes on beside d0's first product."""
    pieces = ordered(steps, written)
    known = after(pieces)
    place = next(
        n for n, p in enumerate(pieces) if p.step.layer == "d0" and p.step.phase == "forward"
    )
    arrival = next(
        n for n, p in enumerate(pieces)
        if p.stream == Stream(0, COPIES) and "c1" in str(p.step) and p.step.phase == "forward"
    )  # fmt: skip
    assert arrival not in known[place] or place not in known[arrival]
    assert place not in known[arrival]


def test_waits_are_marked(steps):
    pieces = ordered(steps, written)
    waited = {number for piece in pieces for number in piece.waits}
    assert waited == {number for number, piece in enumerate(pieces) if piece.awaited}
