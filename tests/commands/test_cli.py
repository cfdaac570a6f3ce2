"""The command line as a user types it: output, exit codes, files left behind."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from convnet.cli import main
from tests.support.command_line import ALEXNET, DIGITS, ROOT, good, run

COMMANDS = list(main.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_page_ends_with_an_example(command):
    page = good(command, "--help").output.rstrip().splitlines()
    assert page[-1].startswith("    convnet " + command)


def test_options_have_one_meaning_in_all_commands():
    texts = {}
    for command in main.commands.values():
        for option in command.params:
            for name in option.opts:
                texts.setdefault(name, set()).add(type(option.type).__name__)
    texts.pop("--name")  # of what the command makes: a run's names a folder
    mixed = {name: kinds for name, kinds in texts.items() if len(kinds) > 1}
    assert not mixed


def test_a_command_that_does_not_exist_is_misuse():
    result = run("tarin")
    assert result.exit_code == 2
    assert "train" in result.output


def test_train_wants_both_files():
    result = run("train", "--layers", DIGITS[1])
    assert result.exit_code == 2
    assert "--params" in result.output


def test_mistakes_in_files_are_told_without_a_traceback(tmp_path):
    bad = tmp_path / "bad.cfg"
    bad.write_text((ROOT / "layers/digits.cfg").read_text().replace("filters=32", "flters=32"))
    result = run("train", "--layers", bad, "--params", DIGITS[3])
    assert result.exit_code == 1
    assert f"{bad}:" in result.output
    assert "'flters'" in result.output
    assert "Traceback" not in result.output


def test_training_says_where_the_checkpoint_is(trained):
    (run_folder,) = (trained / "checkpoints").iterdir()
    assert run_folder.name.startswith("digits-")
    names = {path.name for path in run_folder.iterdir()}
    assert {"1.6.safetensors", "journal.jsonl"} <= names


def test_test_takes_the_newest_checkpoint(inside):
    result = good("test", "--multiview")
    assert "top-1 error" in result.stdout
    assert "half of the ten views are mirrored" in result.stderr  # of digits
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == ["1", "10"]


def test_test_as_json(inside):
    facts = json.loads(good("test", "--json").stdout)
    (row,) = facts["tests"]
    assert row["cases"] == 296
    assert 0 <= row["top5_error"] <= row["top1_error"] < 0.7


def test_test_on_part_of_the_set(inside):
    facts = json.loads(good("test", "--json", "--max-batches", "2").stdout)
    assert facts["tests"][0]["cases"] == 128


def test_going_on_prints_what_changed(inside, tmp_path):
    slower = tmp_path / "slower.params"
    text = (ROOT / "params/digits.params").read_text()
    slower.write_text(text.replace("epsB=0.004", "epsB=0.0004", 1))
    result = good(
        "train", "--resume", "checkpoints", "--params", slower, "--save", tmp_path / "on",
        "--max-batches", "2",
    )  # fmt: skip
    assert "conv1: epsB 0.004 -> 0.0004" in result.stderr
    assert "stopped as asked" in result.stdout
    assert (tmp_path / "on/1.8.safetensors").exists()


def test_a_run_is_not_overwritten(inside):
    (folder,) = Path("checkpoints").iterdir()
    result = run("train", *DIGITS, "--save", folder)
    assert result.exit_code == 1
    assert "--resume" in result.output


def test_another_layer_file_is_refused_when_going_on(inside):
    result = run("train", "--resume", "checkpoints", "--layers", ALEXNET[0])
    assert result.exit_code == 1
    assert "not the layer file" in result.output


def test_dry_run_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "nothing saved" in good("train", *DIGITS, "--dry-run").stdout
    assert list(tmp_path.iterdir()) == []


def test_show_filters_draws_a_picture(inside, tmp_path):
    good("show-filters", "--out", tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.width >= 600
        assert len(set(picture.convert("L").tobytes())) > 20


def test_show_filters_of_a_layer_without_any(inside, tmp_path):
    result = run("show-filters", "--layer", "probs", "--out", tmp_path / "f.png")
    assert result.exit_code == 1
    assert "has no weights" in result.output


def test_show_cost_draws_and_tells(inside, tmp_path):
    result = good("show-cost", "--out", tmp_path / "c.png")
    assert "top-1 error" in result.stdout
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.width >= 600


def test_show_cost_as_json(inside):
    events = [record["event"] for record in json.loads(good("show-cost", "--json").stdout)]
    assert events[0] == "start"
    assert {"train", "test", "save", "stop"} <= set(events)


def test_show_cost_of_several_runs_as_svg(inside, tmp_path):
    (first,) = (inside / "checkpoints").iterdir()
    shutil.copytree(first, tmp_path / "second")
    out = tmp_path / "c.svg"
    loads = ["--load", first, "--load", tmp_path / "second"]
    result = good("show-cost", *loads, "--log", "--rates", "--out", out)
    lines = result.stdout.splitlines()
    assert lines.count(f"{first.name}:") == lines.count("second:") == 1
    texts = [each.text for each in ElementTree.parse(out).getroot().iter() if each.text]
    assert {"learning rates", "second training", "second test", "cost"} <= set(texts)
    text = out.read_text(encoding="utf-8")
    assert "prefers-color-scheme" in text
    good("show-cost", *loads, "--theme", "dark", "--out", out)
    assert "prefers-color-scheme" not in out.read_text(encoding="utf-8")
    found = json.loads(good("show-cost", *loads, "--json").stdout)
    assert list(found) == [first.name, "second"] and found["second"] == found[first.name]


def test_runs_of_one_name_are_told_apart_by_their_paths(inside, tmp_path):
    (first,) = (inside / "checkpoints").iterdir()
    shutil.copytree(first, tmp_path / first.name)
    loads = ["--load", first, "--load", tmp_path / first.name]
    result = good("show-cost", *loads, "--out", tmp_path / "c.png")
    assert f"{tmp_path / first.name / 'journal.jsonl'}:" in result.stdout.splitlines()


def test_describe_draws_the_network_too(tmp_path):
    out = tmp_path / "net.svg"
    result = good("describe", "--layers", "digits", "--drawing", out)
    assert "parameters:" in result.stdout and f"{out}:" in result.stdout
    assert "<title>digits</title>" in out.read_text(encoding="utf-8")
    result = run("describe", "--layers", "digits", "--drawing", tmp_path / "net.doc")
    assert result.exit_code == 1 and "'.doc' names no format of pictures" in result.output
    out.unlink()
    shown = good("describe", "--layers", "digits", "--json", "--drawing", out)
    assert json.loads(shown.stdout)["crossing"] == [] and f"{out}:" in shown.stderr
    assert "<title>digits</title>" in out.read_text(encoding="utf-8")


def test_no_run_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("test")
    assert result.exit_code == 1
    assert "--load" in result.output


def test_check_reads_pairs():
    result = good("check", *ALEXNET, DIGITS[1], DIGITS[3])
    assert result.stdout.count(": ok,") == 2


def test_check_knows_a_layer_file_by_its_types(tmp_path):
    spaced = tmp_path / "spaced.cfg"
    spaced.write_text((ROOT / "layers/digits.cfg").read_text().replace("type=", "Type : "))
    result = good("check", ALEXNET[0], spaced, DIGITS[3])
    assert result.stdout.count(": ok,") == 2
    assert f"{spaced} with {DIGITS[3]}: ok" in result.stdout


def test_check_fails_and_tells_all(tmp_path):
    bad = tmp_path / "bad.cfg"
    text = (ROOT / "layers/digits.cfg").read_text()
    bad.write_text(text.replace("pool=max", "pool=mux").replace("outputs=10", "outputs=ten"))
    result = run("check", bad)
    assert result.exit_code == 1
    assert "'mux'" in result.output
    assert "'ten'" in result.output


def test_check_strict_makes_warnings_errors(tmp_path):
    odd = tmp_path / "odd.cfg"
    odd.write_text((ROOT / "layers/digits.cfg").read_text().replace("[conv1]", "[conv1]\nwcnrm=1"))
    assert run("check", odd).exit_code == 0
    assert run("check", "--strict", odd).exit_code == 1


def test_describe_as_json():
    result = good("describe", "--layers", ALEXNET[0], "--params", ALEXNET[1], "--json")
    facts = json.loads(result.stdout)
    assert facts["parameters"] == 60_965_224
    assert {row["name"]: row for row in facts["layers"]}["conv3b"]["devices"] == [1]
    assert len(facts["copies"]) == 10


def test_describe_prints_the_steps():
    page = good("describe", *DIGITS, "--steps").stdout
    assert "transfer.copy" in page
    assert "update.sgd" in page


def test_check_grads():
    result = good("check-grads", *DIGITS)
    assert "all gradients agree" in result.stdout


@pytest.mark.parametrize("name", [None, "conv", "cost.logreg"])
def test_layers_documents_types(name):
    page = good("layers", *([name] if name else [])).stdout
    assert len(page.splitlines()) > 20


def test_layers_hints_at_the_right_name():
    result = run("layers", "conf")
    assert result.exit_code == 1
    assert "did you mean 'conv'" in result.output


def test_cuda_is_refused_with_a_reason():
    result = run("train", *DIGITS, "--device", "cuda", "--dry-run")
    assert result.exit_code == 1
    assert "--device cpu" in result.output


def test_too_few_gpus_for_the_spec():
    result = run("train", "--layers", ALEXNET[0], "--params", ALEXNET[1], "--gpu", "0", "--dry-run")
    assert result.exit_code == 1
    assert "devices 0 to 1" in result.output


def test_the_data_variable_is_used_and_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVNET_DATA", str(tmp_path / "nowhere"))
    result = run("train", "--layers", ROOT / "layers/cifar10.cfg", "--params",
                 ROOT / "params/cifar10.params", "--dry-run")  # fmt: skip
    assert result.exit_code == 1
    assert "nowhere" in result.output


def test_first_interrupt_saves_and_resuming_goes_on(tmp_path):
    """Ctrl-C in a real process: exit code 130, a checkpoint, and `--resume` from it."""
    script = tmp_path / "interrupt.py"
    script.write_text(_INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, str(script), "train", *DIGITS, "--save", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert result.returncode == 130, result.stderr
    assert "stopped by Ctrl-C" in result.stdout
    assert good("train", "--resume", tmp_path / "run", "--max-batches", "1").exit_code == 0


# Sends itself one SIGINT from the observer behind the third minibatch: no races with start-up.
_INTERRUPTED = """
import os, signal
from convnet.commands.training.progress import Progress

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background

def interrupt(self, position, costs):
    if position.step == 3:
        os.kill(os.getpid(), signal.SIGINT)

Progress.on_step = interrupt
from convnet.cli import main
main()
"""
