"""`--replicas`: any network on one device becomes data parallel, and stays so when resumed."""

import json

import numpy as np
import pytest

from convnet import checkpoint
from tests.support.command_line import ALEXNET, DIGITS, good, run

TRAIN = ["train", *DIGITS, "--device", "cpu", "--minibatch", 32]


def weights(folder):
    arrays = checkpoint.load(checkpoint.newest(folder)).arrays
    return {name: array for name, array in arrays.items() if not name.endswith(".velocity")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    good(*TRAIN, "--replicas", 3, "--max-batches", 4, "--save", folder / "whole")
    good(*TRAIN, "--replicas", 3, "--max-batches", 2, "--save", folder / "part")
    return folder


def test_the_devices_are_in_the_checkpoint_and_resuming_needs_no_option(trained):
    saved = checkpoint.load(checkpoint.newest(trained / "part"))
    assert saved.layers.text.count("gpu=0,1,2\n") == 8 and saved.dialect == "convnet"
    good("train", "--resume", trained / "part", "--max-batches", 2)
    whole, part = weights(trained / "whole"), weights(trained / "part")
    assert all(np.array_equal(part[name], array) for name, array in whole.items())


def test_a_scheduler_repeats_its_command(trained, tmp_path):
    command = [*TRAIN, "--replicas", 2, "--save", tmp_path / "run", "--resume-or-start"]
    for _ in range(2):
        good(*command, "--max-batches", 1)
    assert checkpoint.load(checkpoint.newest(tmp_path / "run")).position.step == 2
    command[command.index(2)] = 4
    refused = run(*command, "--max-batches", 1)
    assert refused.exit_code == 1 and "is not the layer file" in refused.output


def test_a_resumed_run_keeps_its_devices(trained):
    refused = run("train", "--resume", trained / "whole", "--replicas", 2)
    assert refused.exit_code == 1
    assert refused.output == "a resumed run keeps its devices; leave --replicas out\n"


def test_a_checkpoint_is_drawn_with_its_own_devices(trained, tmp_path):
    refused = run("draw", "--load", trained / "part", "--replicas", 2, "--out", tmp_path / "x.svg")
    assert refused.exit_code == 2 and "give --layers" in refused.output
    assert not list(tmp_path.iterdir())


def test_describe_shows_what_the_replicas_hold_and_send():
    facts = json.loads(good("describe", *DIGITS, "--replicas", 2, "--json").output)
    held = facts["bytes_by_role"]
    velocity = [held[device]["velocity"] for device in "01"]
    assert sum(velocity) == held["0"]["weights"] == held["1"]["weights"]
    assert min(velocity) > 0.4 * held["0"]["weights"]
    pairs = {(pair["from"], pair["to"]): pair for pair in facts["crossing"]}
    assert set(pairs) == {(0, 1), (1, 0)}
    for kind in ("weight gradients", "weights"):
        assert sum(pair[kind] for pair in pairs.values()) == held["0"]["weights"]
    text = good("describe", *DIGITS, "--replicas", 2).output
    assert "sent to other devices in a training step:" in text
    assert "sent to other devices" not in good("describe", *DIGITS).output


def test_check_draw_and_check_grads_take_it(tmp_path):
    assert ": ok, " in good("check", *DIGITS[1::2], "--replicas", 4).output
    good("draw", *DIGITS, "--replicas", 2, "--out", tmp_path / "net.svg")
    assert "2 of 2" in (tmp_path / "net.svg").read_text()


def test_a_network_with_devices_is_refused():
    for command in (["check", *ALEXNET], ["describe", "--layers", ALEXNET[0]]):
        refused = run(*command, "--replicas", 2)
        assert refused.exit_code == 1 and refused.output.count("on device 0 by the file") == 1


@pytest.mark.parametrize("count", ["0", "129", "two"])
def test_numbers_out_of_range_are_misuse(count):
    assert run("check", *DIGITS[1::2], "--replicas", count).exit_code == 2
