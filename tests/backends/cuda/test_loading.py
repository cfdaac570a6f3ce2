"""The copies of the program `load`, whose targets no other program writes."""

import pytest

from tests.backends.cuda.test_stream_schedule import LAYERS, PARAMS
from tests.network.test_replicas import network_of
from tests.support.cases import CASES
from tests.support.rows import graph_of, texts

pytest.importorskip("numba.cuda", reason="numba-cuda is not installed")

from convnet.backends.cuda.engine import written  # noqa: E402
from convnet.backends.cuda.runtime.stream_schedule import UPLOADS, Stream, schedule  # noqa: E402
from convnet.graph.build import HOST  # noqa: E402
from convnet.network.planner import make_plan  # noqa: E402


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_a_loaded_minibatch_is_there_for_any_number_of_runs(row):
    for again in ("", "before"):
        graph = graph_of(*texts(row, again), row.data_dims(), row.tree)
        programs = make_plan(graph, row.cases, input_gradients=True).programs
        loaded = [step.views()[-1].buffer for step in programs.pop("load")]
        assert len(loaded) == len(set(loaded)) > 0 or row.name == "pass: of data"
        for step in (step for steps in programs.values() for step in steps):
            changed = [step.arguments[place].buffer for place in written(step)]
            assert not any(buffer.role == "inputs" for buffer in changed), str(step)


def test_uploads_have_streams_of_their_own():
    graph = graph_of(LAYERS, PARAMS + "\n[cost]\ncoeff=1\n", {0: 192, 1: 1})
    programs = make_plan(graph, 4).programs
    streams = {item.stream for item in schedule(programs["load"], written)}
    assert streams == {Stream(0, UPLOADS), Stream(1, UPLOADS)}
    for step in programs["load"]:
        assert step.views()[0].device == HOST and step.views()[-1].buffer.role == "inputs"
    for name in ("train", "gradients", "test"):
        assert all(p.stream.kind != UPLOADS for p in schedule(programs[name], written)), name


def test_copies_that_share_memory_in_time_slots_are_made_in_their_slots():
    programs = network_of("0,1", "0", "0").plan.programs
    copied = {name: [s.layer for s in steps if s.views()[0].device == HOST]
              for name, steps in programs.items()}  # fmt: skip
    assert {name.split(":")[0] for name in copied["load"]} == {"data"}
    assert {name.split(":")[0] for name in copied["train"]} == {"labels"}
    assert len(copied["train"]) == 2
