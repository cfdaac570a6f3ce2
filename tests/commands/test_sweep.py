"""`convnet sweep` from its command line: what it trains, prints, refuses, and goes on with."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import pytest

from convnet import checkpoint
from convnet.runs import summary_of
from tests.support.command_line import good, run
from tests.support.paths import ROOT
from tests.support.training import same

NET = ["--layers", "digits", "--device", "cpu"]
ONE = ["--try", "fc4.epsW=0.001", "--try", "fc4.epsW=0.01"]
TRIES = [*ONE, "--try", "fc3.outputs=20"]
SWEEP = ["sweep", *NET, *TRIES, "--seeds", 2, "--epochs", 1, "--minibatch", 128]
NAMES = [f"fc4.epsW={rate}_fc3.outputs=20-seed{seed}" for seed in (0, 1) for rate in (0.001, 0.01)]


@pytest.fixture(autouse=True, scope="module")
def ours():
    """The processes of runs import this tree too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("NUMBA_NUM_THREADS", raising=False)
        yield


def text(result):
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "one"
    return folder, good(*SWEEP, "--out", folder, "--jobs", 2)


def test_a_run_for_each_combination_and_seed(swept):
    folder, result = swept
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == sorted(NAMES)
    for name in NAMES:
        facts = summary_of(folder / name)
        assert (facts.state, facts.epochs) == ("done", 1)
        assert facts.settings["fc3.outputs"] == "20"
        assert f"fc4.epsW={facts.settings['fc4.epsW']}_" in name
        assert name.endswith(f"-seed{facts.settings['--seed']}")
    for number in range(1, 5):
        assert f"{number} of 4: fc4.epsW=0.0" in result.stderr


def test_each_is_what_train_makes_alone(swept, tmp_path):
    """Bit for bit, with any number of threads."""
    folder, _ = swept
    options = ["--set", "fc4.epsW=0.01", "--set", "fc3.outputs=20", "--seed", "1"]
    words = ["train", *NET, *options, "--epochs", "1", "--minibatch", "128", "--save", "x"]
    subprocess.run(
        [sys.executable, "-m", "convnet", *words],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"NUMBA_NUM_THREADS": "1"},
    )
    ends = [checkpoint.load(checkpoint.newest(f)) for f in (folder / NAMES[3], tmp_path / "x")]
    assert same(ends[0].arrays, ends[1].arrays)
    assert ends[0].layers.text == ends[1].layers.text


def test_the_table_has_the_errors_of_the_runs(swept):
    folder, result = swept
    found = json.loads(good("sweep", "--out", folder, "--table", "--json").stdout)
    assert [len(row["runs"]) for row in found["rows"]] == [2, 2]
    for row in found["rows"]:
        for each in row["runs"]:
            facts = summary_of(folder / each["folder"])
            assert (each["last"], each["best"]) == (facts.last_error, facts.error)
        assert row["last_mean"] == pytest.approx(sum(r["last"] for r in row["runs"]) / 2)
    means = [row["last_mean"] for row in found["rows"]]
    assert means == sorted(means)
    assert f"{means[0]:.2%} ±" in result.stdout
    table = good("sweep", "--out", folder, "--table", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [float(row["last_mean"]) for row in rows] == means


def test_the_plot(swept):
    folder, _ = swept
    drawn = folder / "sweep.svg"
    assert "mean ± standard deviation" in drawn.read_text(encoding="utf-8")
    drawn.unlink()
    good("sweep", "--out", folder, "--table")
    assert drawn.exists()


def test_other_commands_read_the_runs(swept, tmp_path):
    folder, _ = swept
    assert "fc4.epsW" in good("runs", folder).stdout
    loads = [word for name in NAMES[:2] for word in ("--load", folder / name)]
    good("report", *loads, "--out", tmp_path / "page.html")
    assert "fc4.epsW" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("same_command", [True, False])
def test_a_finished_sweep_is_not_trained_again(swept, same_command):
    folder, _ = swept
    before = {name: (folder / name / "journal.jsonl").read_text() for name in NAMES}
    result = good(*(SWEEP if same_command else ["sweep"]), "--out", folder)
    assert "4 runs, " in result.stderr and "4 finished already" in result.stderr
    assert before == {name: (folder / name / "journal.jsonl").read_text() for name in NAMES}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["--seeds", 3], "--seeds 2 -> 3"),
        (["--epochs", 2], "--epochs 1 -> 2"),
        (["--try", "fc4.epsW=3"], "fc4.epsW 0.001, 0.01 -> 0.001, 0.01, 3"),
        (["--set", "conv1.epsW=3"], "--set (none) -> conv1.epsW=3"),
        (["--layers", "cifar10", "--seeds", 2], "--layers digits -> cifar10"),
    ],
)
def test_another_sweep_in_the_same_folder(swept, changed, expected):
    result = run(*SWEEP, *changed, "--out", swept[0])
    assert result.exit_code == 1
    assert "holds another sweep" in result.output and expected in result.output
    assert f"convnet sweep --out {swept[0]}" in result.output


def test_edited_files_are_refused(tmp_path):
    for kind in ("layers/digits.cfg", "params/digits.params"):
        path = ROOT / kind
        (tmp_path / path.name).write_text(path.read_text())
    files = ["--layers", tmp_path / "digits.cfg", "--params", tmp_path / "digits.params"]
    options = ["--device", "cpu", "--epochs", 1, "--try", "fc3.outputs=4", "--out", tmp_path / "s"]
    good("sweep", *files, *options)
    params = tmp_path / "digits.params"
    params.write_text(params.read_text().replace("momW=0.9", "momW=0.8"))
    result = run("sweep", *files, *options)
    assert result.exit_code == 1 and "digits.params is another file" in result.output
    shutil.rmtree(tmp_path / "s/fc3.outputs=4-seed0")
    result = run("sweep", "--out", tmp_path / "s")  # a run that would begin with another file
    assert result.exit_code == 1 and "since the sweep began: restore it" in result.output


def test_a_run_that_fails_does_not_stop_the_others(tmp_path):
    options = ["--epochs", 1, "--try", "fc4.epsW=1e7", "--try", "fc4.epsW=0.01"]
    result = run("sweep", *NET, *options, "--out", tmp_path / "s")
    assert result.exit_code == 1
    assert "1 of 2: fc4.epsW=1e7, seed 0: failed: exit code 1: step" in result.stderr
    assert "2 of 2: fc4.epsW=0.01, seed 0: top-1 error" in result.stderr
    assert "0 of 1, 1 failed" in result.stdout
    again = run("sweep", "--out", tmp_path / "s", "--table")
    assert again.exit_code == 0 and "0 of 1, 1 failed" in again.stdout


def test_seeds_alone(tmp_path):
    options = ["--set", "fc3.outputs=4", "--epochs", 1, "--seeds", 2]
    found = good("sweep", *NET, *options, "--out", tmp_path / "s", "--json")
    (row,) = json.loads(found.stdout)["rows"]
    assert [each["folder"] for each in row["runs"]] == ["seed0", "seed1"]
    assert row["last_deviation"] is not None


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ([*NET, "--try", "fc4.epsX=1"], 1, "--try fc4.epsX: fc layers have no key 'epsX'"),
        ([*NET, "--try", "fc4.epsW=1", "--try", "fc4.epsW=x"], 1, "--try fc4.epsW: fc4: epsW must"),
        ([*NET, "--try", "fc4.outputs=0"], 1, "--try fc4.outputs: fc4: outputs must be at least"),
        ([*NET, "--try", "run.epochs=0"], 1, "--try run.epochs: epochs must be at least 1"),
        ([*NET, "--try", "fc4"], 2, "expected LAYER.KEY=VALUE"),
        ([*NET, *ONE, "--try", "fc4.EPSW=0.01"], 2, "--try fc4.epsW=0.01 is given twice"),
        ([*NET, *ONE, "--set", "fc4.epsw=3"], 2, "fc4.epsW is named by both --try and --set"),
        ([*NET, *ONE, "--seed", 0], 2, "--seed is not for sweeps"),
        ([*NET, *ONE, "--name", "x"], 2, "--name is not for sweeps"),
        ([*NET, *ONE, "--max-batches", 3], 2, "--max-batches is not for sweeps"),
        ([*NET, *ONE, "--epoch", 3], 2, "No such option"),
        ([*NET, *ONE, "--epochs", "x"], 2, "'x' is not a valid integer"),
        ([*NET, *ONE, "words"], 2, "unexpected extra argument"),
        ([*NET, *ONE, "--json", "--csv"], 2, "give one of them"),
        (ONE, 2, "Missing option --layers"),
        (["--layers", "nowhere.cfg", "--params", "digits", *ONE], 1, "nowhere.cfg: there is no"),
    ],
)
def test_refused_before_anything_is_trained(tmp_path, words, code, expected):
    result = run("sweep", *words, "--out", tmp_path / "s")
    assert result.exit_code == code and expected in text(result), result.output
    assert not (tmp_path / "s").exists()


def test_folders_that_cannot_be_used(tmp_path):
    result = run("sweep", "--out", tmp_path)
    assert result.exit_code == 1 and "holds no sweep; start one with" in result.output
    (tmp_path / "notes.txt").write_text("")
    result = run(*SWEEP, "--out", tmp_path)
    assert result.exit_code == 1 and "holds other files" in result.output
    result = run("sweep")
    assert result.exit_code == 2 and "Missing option --out" in result.output
