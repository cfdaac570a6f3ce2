"""--set in all commands that read a network's files, and through the life of a run; --name."""

import json

import pytest

from convnet import checkpoint
from convnet.runs import differences, summary_of
from tests.support.command_line import good, run

TRAIN = ["train", "--layers", "digits", "--epochs", 1, "--max-batches", 2, "--device", "cpu"]
SET = ["--set", "conv1.epsW=0.001", "--set", "fc3.outputs=20", "--set", "conv1.initW=0.02"]


def text(result):
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set") / "run"
    return folder, good(*TRAIN, *SET, "--save", folder)


def saved(folder):
    return checkpoint.load(checkpoint.newest(folder))


def test_the_checkpoint_holds_the_edited_files(trained):
    folder, result = trained
    assert "--set: fc3: outputs 128 -> 20" in result.output
    found = saved(folder)
    assert found.arrays["fc3.weights.0"].shape[0] == 20
    assert "outputs=20\n" in found.layers.text and "# A small network" in found.layers.text
    assert "[conv1]\nepsW=0.001\n" in found.params.text
    settings = summary_of(folder).settings
    assert (settings["conv1.epsW"], settings["fc3.outputs"]) == ("0.001", "20")


def test_runs_show_the_difference(trained, tmp_path):
    folder, _ = trained
    good(*TRAIN, "--save", tmp_path / "plain")
    found = differences([summary_of(folder), summary_of(tmp_path / "plain")])
    assert found["fc3.outputs"] == ["20", "128"]
    assert found["conv1.initW"] == ["0.02", "0.01"]
    assert found["conv1.epsW"][0] == "0.001"
    out = tmp_path / "page.html"
    good("report", "--load", folder, "--load", tmp_path / "plain", "--out", out)
    assert "fc3.outputs" in out.read_text()


@pytest.fixture
def copied(trained, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in trained[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_resuming_needs_no_set(copied):
    before = saved(copied)
    good("train", "--resume", copied, "--max-batches", 1)
    after = saved(copied)
    assert after.position.step == before.position.step + 1
    assert (after.layers.text, after.params.text) == (before.layers.text, before.params.text)


def test_the_same_command_resumes(copied):
    again = ["--max-batches", 1, "--save", copied, "--resume-or-start"]
    result = good(*TRAIN[:-4], *SET, *again)
    assert "resuming from" in result.output and "->" not in result.output
    assert saved(copied).position.step == 3
    other = run(*TRAIN[:-4], *SET[:3], "fc3.outputs=21", *again)
    assert other.exit_code == 1 and "is not the layer file" in other.output


def test_rates_may_change_at_a_resume(copied):
    options = ["--set", "conv1.epsW=0.0001", "--set", "fc3.outputs=20", "--max-batches", 1]
    result = good("train", "--resume", copied, *options)
    assert "conv1: epsW 0.001 -> 0.0001" in result.output
    assert "[conv1]\nepsW=0.0001\n" in saved(copied).params.text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("fc3.outputs=21", "--set fc3.outputs: is a key of the layer file, which is fixed"),
        ("conv1.initW=1", "--set conv1.initW: is a key of the layer file, which is fixed"),
        ("run.epochs=7", "--set run.epochs: has no effect on a resumed run"),
        ("data.source=shapes", "give --data"),
        ("fc3.epsX=1", "--set fc3.epsX: fc layers have no key 'epsX'"),
        ("fc3.epsW=x", "--set fc3.epsW: fc3: epsW must be a number"),
    ],
)
def test_refused_at_a_resume(copied, given, expected):
    before = saved(copied)
    result = run("train", "--resume", copied, "--set", given)
    assert result.exit_code == 1 and expected in result.output
    assert saved(copied).position == before.position


def test_every_command_that_takes_files(tmp_path):
    files = ["--layers", "digits", "--set", "fc3.outputs=20"]
    summary = json.loads(good("describe", *files, "--json").stdout)
    plain = json.loads(good("describe", "--layers", "digits", "--json").stdout)
    assert summary != plain
    good("draw", *files, "--out", tmp_path / "net.svg")
    assert "20" in (tmp_path / "net.svg").read_text()
    result = good("check-grads", *files[:2], "--set", "fc3.outputs=4", "--minibatch", 2)
    assert "--set: fc3: outputs 128 -> 4" in result.output
    report = run("check", "digits", "--set", "fc3.outputs=many", "--json")
    assert report.exit_code == 1
    (found,) = json.loads(report.stdout)
    assert found["problems"][0].startswith("--set fc3.outputs: fc3: outputs must be an integer")
    wrong = run("check", "digits", "alexnet", "--set", "fc3.outputs=5")
    assert wrong.exit_code == 1 and "has no layer 'fc3'" in wrong.output


@pytest.mark.parametrize("given", ["conv1", "conv1.epsW", "conv1=3", "=3", ".x=3", "a.=3"])
def test_a_malformed_option(given):
    result = run("check", "digits", "--set", given)
    assert result.exit_code == 2 and "expected LAYER.KEY=VALUE" in text(result)


def test_a_checkpoint_is_not_drawn_with_other_keys():
    result = run("draw", "--load", "nowhere", "--set", "a.b=1")
    assert result.exit_code == 2 and "give --layers" in result.output


def test_set_and_classes_from_data():
    options = ["--set", "fc4.outputs=7", "--data", "digits"]
    result = run("describe", "--layers", "digits", *options, "--classes-from-data")
    assert result.exit_code == 0
    assert "--classes-from-data: fc4: outputs 7 -> 10" in result.output


# -- --name ----------------------------------------------------------------------------------------


def test_a_name_is_that_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good(*TRAIN, "--name", "first,rate=0.1")
    assert summary_of(tmp_path / "checkpoints/first,rate=0.1").state == "stopped"
    assert "first,rate=0.1" in good("runs").stdout
    good("report", "--out", "page.html")
    assert "first,rate=0.1" in (tmp_path / "page.html").read_text()
    again = run(*TRAIN, "--name", "first,rate=0.1")
    assert again.exit_code == 1 and "already holds a run" in again.output
    good(*TRAIN, "--name", "first,rate=0.1", "--resume-or-start")
    good("train", "--resume", "checkpoints/first,rate=0.1", "--name", "second", "--max-batches", 1)
    assert [folder.name for folder in sorted((tmp_path / "checkpoints").iterdir())] == [
        "first,rate=0.1",
        "second",
    ]


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", ".x", "a b", "a\x1b", "x" * 101])
def test_refused_names(name):
    result = run(*TRAIN, "--name", name)
    assert result.exit_code == 2 and "letters, digits and" in text(result)


def test_a_name_and_a_folder():
    result = run(*TRAIN, "--name", "a", "--save", "b")
    assert result.exit_code == 2 and "give one of them" in result.output
