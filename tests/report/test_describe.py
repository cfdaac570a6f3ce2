"""`describe`: the object for scripts and the table for people."""

import io
import json

import pytest

from convnet.backends.cpu.engine import unused
from convnet.graph.build import build
from convnet.language import Problems, Source, parse, read_source
from convnet.network.planner import make_plan
from convnet.network.prune_buffers import leave_out
from convnet.report.describe import network_summary
from convnet.report.describe_table import (
    console,
    memory_table,
    norm_lines,
    print_description,
    short_count,
)
from convnet.report.steps import step_lines
from tests.support.paths import ROOT
from tests.support.small_nets import small

LAYERS = """
[data]
type=data
dataIdx=0
imgSize=8
[conv1a]
type=conv
inputs=data
channels=3
filters=16
filterSize=3
padding=1
initW=0.1
neuron=relu
gpu=0
[conv1b]
type=conv
inputs=data
channels=3
filters=16
filterSize=3
padding=1
initW=0.1
neuron=relu
gpu=1
[norm.1]
type=cmrnorm
inputs=conv1b
channels=16
size=5
[rnorm]
type=rnorm
inputs=conv1b
channels=16
size=3
[fc]
type=fc
inputs=conv1a,norm.1,rnorm
outputs=10
initW=0.1
gpu=0
[cost]
type=cost.sum2
inputs=fc
"""
LEARN = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\n"
PARAMS = "".join(f"[{name}]\n{LEARN}" for name in ("conv1a", "conv1b", "fc"))
PARAMS += "[norm.1]\nscale=0.0005\npow=0.75\nminDiv=2\n[rnorm]\nscale=0.9\npow=0.5\n"
PARAMS += "[cost]\ncoeff=1\n"


def graph_of(layers, params=PARAMS):
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    return build(*files, problems)


def description(graph, minibatch=4):
    out = io.StringIO()
    print_description(graph, network_summary(graph, minibatch), console(out))
    return out.getvalue()


def test_summary():
    summary = json.loads(json.dumps(network_summary(graph_of(LAYERS), 4)))
    assert summary["dialect"]["name"] == "convnet" and summary["dialect"]["because"]
    assert [row["name"] for row in summary["layers"]][:2] == ["data", "conv1a"]
    assert summary["parameters"] == 2 * (27 * 16 + 16) + 3 * 1024 * 10 + 10
    assert set(summary["bytes_per_device"]) == {"0", "1"}
    for device, total in summary["bytes_per_device"].items():
        assert total == sum(summary["bytes_by_role"][device].values())
    copies = [(c["layer"], c["from"], c["to"], c["bytes"]) for c in summary["copies"]]
    values = 4 * 4  # cases, bytes a value
    assert copies == [
        ("data", "host", 0, 192 * values),
        ("data", "host", 1, 192 * values),
        ("norm.1", 1, 0, 1024 * values),
        ("rnorm", 1, 0, 1024 * values),
    ]
    assert summary["copies"][2]["readers"] == ["fc"]
    pairs = {(pair["from"], pair["to"]): pair for pair in summary["crossing"]}
    assert pairs[1, 0]["activities"] == pairs[1, 0]["total"] == 2048 * values
    assert pairs[0, 1]["gradients"] == pairs[0, 1]["total"] == 2048 * values
    assert len(pairs) == 2


def test_bytes_are_those_of_the_plan():
    graph = graph_of(LAYERS)
    summary = network_summary(graph, 4)
    plan = make_plan(graph, 4)
    leave_out(plan, unused)
    planned = {d: sum(roles.values()) for d, roles in plan.bytes().items()}
    for device, total in summary["bytes_per_device"].items():
        scratch = summary["bytes_by_role"][device].get("scratch", 0)
        assert total - scratch == planned[int(device)]
    rows = {row["name"]: row for row in summary["layers"]}
    assert rows["norm.1"]["bytes"] == 2 * 1024 * 4 * 4  # output, gradient
    assert rows["fc"]["parameters"] == 30730


def test_what_cannot_run_yet_still_has_rows():
    graph = graph_of(LAYERS.replace("gpu=1", "gpu=0,1"))
    summary = network_summary(graph, 4)
    assert len(summary["layers"]) == 7 and "bytes_per_device" not in summary
    assert "replicas" in summary["note"] and "replicas" in description(graph)


def test_effective_scale_is_printed():
    first, second = norm_lines(graph_of(LAYERS))
    assert first == "norm.1: scale 0.0005 / size 5 = alpha 0.0001, k 2, beta 0.75"
    assert second == "rnorm: scale 0.9 / size² 9 = alpha 0.1, k 1, beta 0.5"


def test_table_is_plain_and_fits():
    text = description(graph_of(LAYERS))
    lines = text.splitlines()
    assert all(len(line) <= 100 for line in lines) and "\x1b" not in text
    assert lines[0].startswith("dialect: convnet (our own), because ")
    table = [line.split() for line in lines]
    at = {row[0]: i for i, row in enumerate(table) if row}
    assert ["conv1a", "conv", "relu", "0", "3x8x8", "→", "16x8x8", "448"] == table[at["conv1a"]][:8]
    assert lines[at["fc"] - 1].startswith("→ rnorm to device 0") and "from device 1" in text
    assert "30,730" in table[at["fc"]]
    assert "parameters: 31,626" in text and "device 1" in text


def test_long_names_do_not_break_numbers():
    name = "a-layer-with-an-extraordinarily-long-name-that-no-table-can-hold"
    text = description(graph_of(LAYERS.replace("norm.1", name), PARAMS.replace("norm.1", name)))
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "30,730" in text


def test_the_papers_network():
    problems = Problems()
    paths = (ROOT / "layers" / "alexnet.cfg", ROOT / "params" / "alexnet.params")
    graph = build(*[parse(read_source(path), problems) for path in paths], problems)
    summary = network_summary(graph, 128)
    assert summary["parameters"] == 60_965_224
    assert all(size < 3e9 for size in summary["bytes_per_device"].values())
    text = description(graph, 128)
    assert "scale 0.0005 / size 5 = alpha 0.0001, k 2, beta 0.75" in text
    assert "60,965,224" in text


def test_steps():
    lines = list(step_lines(make_plan(graph_of(LAYERS), 4)))
    assert lines[0].startswith("program load: ") and lines[1] == "  data to device 0"
    assert any("transfer.copy(norm.1(" in line and "device 0" in line for line in lines)
    assert sum("; 2 copies between devices" in line for line in lines) == 2
    assert any(line.startswith("program test: ") for line in lines)
    totals = next(
        line for line in lines if "backward" in line and "update" in line and "copies" in line
    )
    forward, backward, update = (int(part.split()[0]) for part in totals.split(";")[0].split(","))
    assert f"program train: {forward + backward + update} steps" in lines


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (41472, "41.5 k"), (732664352, "733 M"),
     (1275507720, "1.28 G")],
)  # fmt: skip
def test_short_counts(count, shown):
    assert short_count(count) == shown


def test_copies_from_the_host_are_counted_apart():
    lines = description(graph_of(LAYERS)).splitlines()
    assert (
        "copies in the forward pass, per minibatch: 2 from the host, 6.14 kB; "
        "2 between devices, 32.8 kB"
    ) in lines


def test_headings_of_many_roles_are_broken_between_words():
    roles = "weights", "weight gradients", "velocity", "arrivals", "activities", "inputs"
    roles += "kept", "gradients", "scratch"
    sizes = dict.fromkeys(roles, 163_000_000)
    out = io.StringIO()
    console(out).print(
        memory_table({"bytes_by_role": {0: sizes}, "bytes_per_device": {0: sum(sizes.values())}})
    )
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert {"weight", "gradients", "velocity", "activities", "scratch"} <= set(text.split())


def test_ranks_hold_their_devices_and_send_what_crosses_between_them():
    graph = small("0,1,2,3", "1")
    found = network_summary(graph, 16, (0, 0, 1, 1))["ranks"]
    alone = network_summary(graph, 16)
    sizes = alone["bytes_per_device"]
    assert found["devices"] == [[0, 1], [2, 3]]
    assert found["bytes"] == [sizes["0"] + sizes["1"], sizes["2"] + sizes["3"]]
    sent = {(pair["from"], pair["to"]): pair["total"] for pair in found["crossing"]}
    by_device = {(pair["from"] // 2, pair["to"] // 2): 0 for pair in alone["crossing"]}
    for pair in alone["crossing"]:
        by_device[pair["from"] // 2, pair["to"] // 2] += pair["total"]
    assert sent == {pair: size for pair, size in by_device.items() if pair[0] != pair[1]}
    out = io.StringIO()
    print_description(graph, network_summary(graph, 16, (0, 0, 1, 1)), console(out))
    assert "rank 1: devices 2, 3, " in out.getvalue()
    assert "sent to other ranks in a training step:" in out.getvalue()
    assert "ranks" not in alone
