"""The file of times of steps."""

import json

from convnet.network.trace import write_trace
from tests.support.cases import BY_NAME
from tests.support.rows import network_of


def test_every_step_is_traced_in_order_and_the_results_are_those_of_a_run(tmp_path):
    row = BY_NAME["conv: on conv"]
    plain, traced = network_of(row), network_of(row)
    plain.run("gradients")
    with traced.traced() as spans:
        traced.load(row.matrices())
        traced.run("gradients")
    assert plain.costs() == traced.costs()
    steps = traced.plan.programs["load"] + traced.plan.programs["gradients"]
    assert [span.step for span in spans] == steps
    write_trace(tmp_path / "trace.json", spans)
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    complete = [event for event in events if event["ph"] == "X"]
    assert len(complete) == len(steps)
    assert {event["pid"] for event in complete} == {"cpu:0"}
    ends = [event["ts"] + event["dur"] for event in complete]
    assert all(e <= event["ts"] + 1e-3 for e, event in zip(ends, complete[1:], strict=False))
    assert complete[0]["name"].endswith(steps[0].operation)
