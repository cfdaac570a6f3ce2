"""The shipped nets by name: on the command line, and what is looked up before them."""

import json
import re
from pathlib import Path

import pytest

from convnet import checkpoint, nets
from tests.support.command_line import DIGITS, ROOT, good, run

NAMES = sorted(path.stem for path in (ROOT / "layers").glob("*.cfg"))


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_pair_of_files_is_listed():
    shipped = nets.shipped()
    assert sorted(net.name for net in shipped) == NAMES
    assert sorted(path.stem for path in (ROOT / "params").iterdir()) == NAMES
    assert all(net.layers.is_file() and net.params.is_file() for net in shipped)


def test_nets_prints_a_line_for_each(empty):
    lines = good("nets").stdout.splitlines()
    assert sorted(line.split()[0] for line in lines) == NAMES
    assert all(re.fullmatch(r"\S+ {2,}\S.*", line) and len(line) < 100 for line in lines)


def test_nets_as_json_names_the_files(empty):
    (facts,) = [net for net in json.loads(good("nets", "--json").stdout) if net["name"] == "codes"]
    assert Path(facts["layers"]) == ROOT / "layers/codes.cfg"
    assert Path(facts["params"]) == ROOT / "params/codes.params"
    assert "autoencoder" in facts["description"]


def test_a_name_stands_for_both_files(empty):
    named = good("describe", "--layers", "digits", "--steps").stdout
    assert named == good("describe", *DIGITS, "--steps").stdout
    assert "update.sgd" in named  # without a params file nothing is updated
    assert "update.sgd" not in good("describe", *DIGITS[:2], "--steps").stdout


def test_the_params_file_may_be_another_one(empty):
    (empty / "own.params").write_text((ROOT / "params/digits.params").read_text() + "\n[fc9]\n")
    result = good("describe", "--layers", "digits", "--params", "own.params")
    assert "own.params" in result.stderr and "fc9 is not a layer" in result.stderr
    assert "encode" in good("describe", "--layers", "codes-small", "--params", "codes").stdout
    assert "needs a section" in run("describe", "--layers", "codes", "--params", "digits").output


def test_training_by_name(empty):
    good("train", "--layers", "digits", "--max-batches", "1", "--seed", "3")
    (folder,) = Path("checkpoints").iterdir()
    assert folder.name.startswith("digits-")
    saved = checkpoint.load(checkpoint.newest(folder))
    assert saved.layers.text == (ROOT / "layers/digits.cfg").read_text()
    assert saved.params.text == (ROOT / "params/digits.params").read_text()


def test_a_resumed_run_keeps_its_own_params(empty):
    own = empty / "own.params"
    own.write_text((ROOT / "params/digits.params").read_text().replace("epochs=30", "epochs=7"))
    good("train", "--layers", "digits", "--params", own, "--max-batches", "1")
    result = good("train", "--layers", "digits", "--resume", "checkpoints", "--max-batches", "1")
    assert "of 7 epochs" in result.stdout
    (folder,) = Path("checkpoints").iterdir()
    assert checkpoint.load(checkpoint.newest(folder)).params.text == own.read_text()


def test_checking_by_name(empty):
    (empty / "own.params").write_text((ROOT / "params/digits.params").read_text())
    lines = good("check", "codes", "digits", "own.params", "alexnet").stdout.splitlines()
    pairs = [re.match(r"\S+/layers/(\S+).cfg with (\S+): ok", line).groups() for line in lines]
    shipped = {name: str(ROOT / f"params/{name}.params") for name in NAMES}
    assert pairs == [
        ("codes", shipped["codes"]),
        ("digits", "own.params"),
        ("alexnet", shipped["alexnet"]),
    ]


def test_gradients_by_name(empty):
    assert "all gradients agree" in good("check-grads", "--layers", "codes-small").stdout


def test_a_file_of_the_working_directory_is_preferred(empty):
    (empty / "digits").write_text((ROOT / "layers/codes.cfg").read_text())
    assert nets.find(Path("digits")) is None
    assert "encode" in good("describe", "--layers", "digits").stdout
    result = run("train", "--layers", "digits")
    assert result.exit_code == 2 and "--params" in result.output


def test_a_folder_of_that_name_is_not(empty):
    (empty / "digits").mkdir()
    assert nets.find(Path("digits")).name == "digits"
    (empty / "mine").mkdir()
    result = run("describe", "--layers", "mine")
    assert result.exit_code == 1 and "is a folder" in result.output


@pytest.mark.parametrize("path", ["digits.cfg", "layers/digits", "./digits", "/digits"])
def test_a_path_is_no_name(empty, path):
    """`./digits` is one: pathlib drops the dot."""
    expected = "digits" if path == "./digits" else None
    found = nets.find(Path(path))
    assert (found and found.name) == expected


@pytest.mark.parametrize("command", ["train", "describe", "check-grads"])
def test_an_unknown_name_is_refused_with_the_near_ones(empty, command):
    (empty / "mynet.cfg").write_text("")
    result = run(command, "--layers", "alexnt")
    assert result.exit_code == 1
    assert "'alexnt' is neither a file nor a shipped net" in result.output
    assert "did you mean 'alexnet'" in result.output and "`convnet nets`" in result.output
    assert "did you mean 'mynet.cfg'" in run(command, "--layers", "mynet").output
    assert "did you mean 'digits'" in run(command, "--layers", "codes", "--params", "dgits").output


def test_check_refuses_an_unknown_name_too(empty):
    result = run("check", "zzz")
    assert result.exit_code == 1
    expected = "'zzz' is neither a file nor a shipped net; `convnet nets` lists these"
    assert result.output.strip() == expected


def test_a_name_cannot_write_to_the_terminal(empty):
    assert "\x1b" not in run("describe", "--layers", "\x1b[31mred").output
