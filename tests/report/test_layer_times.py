"""Times of layers from a trace."""

import json

import pytest

from convnet.errors import DataError
from convnet.report.layer_times import COPIES, read_layer_times


def event(name, phase, device, duration, kind="X"):
    return {"ph": kind, "name": name, "cat": phase, "pid": device, "dur": duration, "ts": 1.0}


def write(path, events):
    path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
    return path


def test_steps_are_added_up_by_device_layer_and_phase(tmp_path):
    path = write(
        tmp_path / "trace.json",
        [
            {"ph": "M", "name": "process_name", "pid": "cpu:0", "args": {"name": "cpu:0"}},
            event("data to device 0 transfer.copy", "load", "cpu:0", 1),
            event("a.b conv.forward", "forward", "cpu:0", 10),
            event("a.b_neuron neuron.backward", "backward", "cpu:0", 2),
            event("a.b conv.weights_grad", "backward", "cpu:0", 20),
            event("a.b update.sgd", "update", "cpu:0", 3),
            event("fc transfer.copy_half", "forward", "cpu:1", 5),
            event("fc fc.forward", "forward", "cpu:1", 7.5),
        ],
    )
    found = read_layer_times(path, lambda name: name.removesuffix("_neuron"))
    assert found == {
        "cpu:0": {
            COPIES: {"load": 1},
            "a.b": {"forward": 10, "backward": 22, "update": 3},
        },
        "cpu:1": {COPIES: {"forward": 5}, "fc": {"forward": 7.5}},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "traceEvents"),
        ('{"traceEvents": []}', "holds no steps of a network"),
        ('{"traceEvents": [{"ph": "X", "name": "main", "cat": "x", "dur": 1}]}', "holds no steps"),
        ('{"traceEvents": [{"ph": "X", "name": "a b", "cat": "x", "dur": -1}]}', "dur"),
        ('{"traceEvents": [{"ph": "X", "name": "a b", "cat": "x", "dur": NaN}]}', "trace.json"),
        ("no JSON", "trace.json"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "trace.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_layer_times(path)
    with pytest.raises(DataError, match="no such file"):
        read_layer_times(tmp_path / "other.json")
