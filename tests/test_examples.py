"""What is in examples/: the scripts, what they do with runs and print; the notebook."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys

import click
import pytest

from convnet.checkpoint import Position
from convnet.cli import main
from convnet.graph.build import build
from convnet.language.specs import RunDefaults, Specs
from tests.support.notebook import code_cells
from tests.support.paths import ROOT

EXAMPLES = ROOT / "examples"


def script(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ablations():
    return script("ablations")


@pytest.fixture(scope="module")
def figure1():
    return script("figure1")


# -- ablations -------------------------------------------------------------------------------------


def specs_of(variant):
    files = EXAMPLES / "ablations"
    return Specs.read(files / f"{variant.layers}.cfg", files / f"{variant.params}.params")


def settings(file):
    """(section, key) -> value; of inputs their types, so that a renamed layer is the same."""
    types = {s.name: s.entries["type"].value.text for s in file.sections if "type" in s.entries}
    return {
        (section.name, key): ",".join(types.get(part, part) for part in entry.value.text.split(","))
        for section in file.sections
        for key, entry in section.entries.items()
    }


def changes(variant, full):
    """The (section, key) in which a variant's two files differ from those of the full net."""
    found = set()
    specs = specs_of(variant)
    for mine, theirs in ((specs.layers, full.layers), (specs.params, full.params)):
        a, b = settings(mine), settings(theirs)
        found |= {key for key in a | b if a.get(key) != b.get(key)}
    return found


def test_the_nets_of_the_table_are_without_warnings(ablations):
    for variant in ablations.VARIANTS:
        specs = specs_of(variant)
        RunDefaults(specs.params, specs.problems)
        dims = {0: 3 * 24 * 24, 1: 1, 2: 10}
        build(specs.layers, specs.params, specs.problems, data_dims=dims, classes=10)
        specs.problems.raise_errors(strict=True)


def test_each_net_lacks_one_thing(ablations):
    variants = {variant.slug: variant for variant in ablations.VARIANTS}
    full = specs_of(variants["full"])
    found = {
        slug: {section for section, _ in changes(variant, full)}
        for slug, variant in variants.items()
    }
    assert found["full"] == found["without-augmentation"] == set()
    assert variants["without-augmentation"].options == ("--no-augment",)
    assert found["without-response-normalization"] == {"rnorm1", "rnorm2", "pool1", "pool2"}
    assert found["without-overlapping-pooling"] == {"pool1", "pool2", "pool4"}
    assert found["without-dropout"] == {"drop5"}
    assert found["one-convolution-less"] == {"conv3", "conv4"}


def test_the_table_tells_mean_spread_and_paired_differences(ablations):
    full, other = [[0.10, 0.3], [0.2, 0.5]]
    results = {
        variant.name: [
            ablations.Result(e, 0.05, 10.0) for e in (other if variant.section else full)
        ]
        for variant in ablations.VARIANTS
    }
    text = ablations.table(results, "shapes", 7.4)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(ablations.VARIANTS)
    assert rows[1].startswith("| full |  | 20.0% ± 14.1% |  | 5.0% | 10 |")
    assert "| 3.3 | 35.0% ± 21.2% | +15.0% ± 7.1% |" in rows[2]
    assert "2 seeds, 7 minutes" in text


def write_journal(folder, *records):
    folder.mkdir()
    lines = [json.dumps({"event": event, "step": step, **facts}) for event, step, facts in records]
    (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")


def errors(value, epoch=0.0):
    return {"costs": {"logprob": {"top-1 error": value}}, "seconds": 3, "epoch": epoch}


def test_a_run_that_is_done_is_not_trained_again(ablations, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(ablations.subprocess, "run", refuse)
    write_journal(
        tmp_path / "a",
        ("start", 0, {}),
        ("train", 10, errors(0.9, 1.0)),
        ("train", 15, errors(0.4, 1.5)),
        ("train", 20, errors(0.2, 2.0)),
        ("test", 20, errors(0.35)),
        ("stop", 20, {"reason": "done"}),
    )
    found = ablations.run(ablations.VARIANTS[0], "shapes", 0, tmp_path / "a", ())
    assert (found.test, found.seconds) == (0.35, 12)
    assert found.train == pytest.approx(0.3)  # of the last epoch
    write_journal(tmp_path / "b", ("start", 0, {}), ("stop", 5, {"reason": "SIGINT"}))
    with pytest.raises(AssertionError, match="again"):
        ablations.run(ablations.VARIANTS[0], "shapes", 0, tmp_path / "b", ())


def test_what_a_failed_training_says_is_shown(ablations, tmp_path):
    more = "--epochs", "0"
    with pytest.raises(click.ClickException, match="ended with 2:\n(.*\n)*.*0 is not in"):
        ablations.run(ablations.VARIANTS[0], "digits", 0, tmp_path / "a", more)


def test_all_numbers_are_written_for_other_tables(ablations, tmp_path):
    found = {"full": [ablations.Result(0.2, 0.1, 5.0)], "without dropout": []}
    ablations.write_results(found, "a folder", tmp_path / "results.json")
    assert json.loads((tmp_path / "results.json").read_text()) == {
        "data": "a folder",
        "networks": {
            "full": [{"test": 0.2, "train": 0.1, "seconds": 5.0}],
            "without dropout": [],
        },
    }


# -- figure 1 --------------------------------------------------------------------------------------


def test_the_rate_and_the_classes_stand_in_the_files(figure1):
    layers, params = figure1.spec_files("tanh", 0.004, 40)
    assert "neuron=tanh" in layers.text and layers.text.count("outputs=40") == 1
    assert params.text.count("epsW=0.004\n") == params.text.count("epsB=0.008\n") == 4


def test_a_run_ends_at_the_target(figure1):
    """The error is that of the last 50 minibatches."""
    watch = figure1.Watch(0.25, 1000)
    with pytest.raises(figure1.Enough):
        for step in range(1, 500):
            error = 1.0 if step <= 100 else 0.0
            watch.on_step(Position(step=step), {"logprob": {"cost": 0.0, "top-1 error": error}})
    assert watch.reached == 138  # 12 of 50 are from before
    assert watch.points[0] == (50, 1.0)


@pytest.mark.parametrize(("error", "ends"), [(0.61, 60), (0.59, 120)])
def test_a_rate_that_is_behind_half_way_is_given_up(figure1, error, ends):
    best = figure1.Curve("relu", 0.1, 0, [(60, 0.6), (120, 0.25)], 120)
    watch = figure1.Watch(0.25, 120, best)
    with pytest.raises(figure1.Enough):
        for step in range(1, 200):
            watch.on_step(Position(step=step), {"logprob": {"top-1 error": error}})
    assert watch.points[-1][0] == ends


def test_the_rate_is_picked_by_all_seeds(figure1, monkeypatch):
    """0.2 is fastest with one seed by luck; 0.4 is given up after its first seed."""
    needs = {0.1: (80, 70), 0.2: (30, 90), 0.3: (60, 50), 0.4: (99, 10)}
    asked = []

    def train(neuron, rate, seed, options, most, best):
        asked.append((rate, seed, most, best.reached if best else None))
        reached = needs[rate][seed] if needs[rate][seed] <= most else None
        return figure1.Curve(neuron, rate, seed, [(min(most, needs[rate][seed]), 0.25)], reached)

    monkeypatch.setattr(figure1, "train", train)
    best = figure1.fastest("relu", {"rates": tuple(needs), "most": 1000, "seeds": 2})
    assert [curve.rate for curve in best] == [0.3, 0.3]
    assert asked == [
        (0.1, 0, 1000, None), (0.1, 1, 1000, None), (0.2, 0, 80, 80), (0.2, 1, 80, 80),
        (0.3, 0, 80, 80), (0.3, 1, 80, 80), (0.4, 0, 60, 60),
    ]  # fmt: skip


def test_no_rate_may_reach_the_target(figure1, monkeypatch):
    curve = figure1.Curve("relu", 0.1, 0, [(9, 0.9)], None)
    monkeypatch.setattr(figure1, "train", lambda *_: curve)
    with pytest.raises(click.ClickException, match="--most"):
        figure1.fastest("relu", {"rates": (0.1,), "most": 9, "seeds": 2})


def test_the_ratio_and_the_picture(figure1):
    curves = {
        neuron: [figure1.Curve(neuron, 0.1, s, [(50, 0.9), (n, 0.25)], n) for s in (0, 1)]
        for neuron, n in (("relu", 100), ("tanh", 300))
    }
    assert "relu : tanh = 1 : 3.0 (3.0 to 3.0)" in figure1.ratio_line(curves, 0.25)
    assert figure1.picture(curves, "shapes", 0.25).width == 1800


def test_a_finished_run_is_not_trained_again(figure1, tmp_path, monkeypatch):
    points = [(step, 1 - step / 200) for step in range(50, 151)]
    trained = []

    def train_anew(neuron, rate, seed, options, most, best):
        trained.append(options["data"])
        return figure1.Curve(neuron, rate, seed, points, 150)

    monkeypatch.setattr(figure1, "train_anew", train_anew)
    options = {"data": "one", "target": 0.25, "runs": tmp_path}
    first = figure1.train("relu", 0.002, 0, options, 500)
    again = figure1.train("relu", 0.002, 0, options, 500)
    assert first.points == points and again.reached == 150 and trained == ["one"]
    # Of those points, every tenth and those that bound the other runs.
    assert [step for step, _ in again.points] == [50, 60, 70, 75, *range(80, 151, 10)]
    figure1.train("relu", 0.002, 0, options, 400)
    figure1.train("relu", 0.002, 0, options | {"data": "two"}, 400)
    figure1.train("relu", 0.002, 0, options | {"data": "two"}, 400, again)
    assert trained == ["one", "one", "two", "two"]


def test_a_run_that_a_signal_ends_is_not_kept(figure1, tmp_path, monkeypatch):
    """`fit` returns then as it does at the last epoch, which is out of reach."""
    monkeypatch.setattr(figure1, "fit", lambda run: None)
    options = {"data": "shapes:train=96", "device": "cpu", "target": 0.0, "runs": tmp_path}
    with pytest.raises(click.Abort):
        figure1.train("relu", 0.001, 0, options, 2)
    assert not list(tmp_path.iterdir())


def test_training_stops_when_it_has_shown_enough(figure1, tmp_path, monkeypatch):
    monkeypatch.setattr(figure1, "WINDOW", 2)
    options = {"data": "shapes:train=96", "device": "cpu", "target": 0.0, "runs": tmp_path}
    curve = figure1.train("relu", 0.001, 0, options, 2)
    assert curve.reached is None and [step for step, _ in curve.points] == [2]


# -- the search ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def optuna_search():
    pytest.importorskip("optuna")
    return script("optuna_search")


def test_the_search_finds_rates_and_ends_bad_trials_early(optuna_search, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.setattr(optuna_search, "HIGHEST", 1e5)  # most rates are far too high
    found = CliRunner().invoke(optuna_search.main, ["--trials", "8", "--epochs", "2"])
    assert found.exit_code == 0, found.output
    pruned = re.search(r"8 trials, (\d) of them ended early", found.output)
    lowest = re.search(r"lowest test error ([0-9.]+)% with the rates conv (\S+), fc", found.output)
    assert 1 <= int(pruned[1]) < 8 and float(lowest[1]) < 60 and float(lowest[2]) < 1


def test_a_trial_is_told_each_test_and_ended_when_optuna_says_so(optuna_search):
    import optuna

    class Trial:
        told, prunes = [], 99

        def suggest_float(self, name, low, high, log):
            return 0.002

        def report(self, value, step):
            self.told.append((value, step))

        def should_prune(self):
            return len(self.told) >= self.prunes

    error = optuna_search.error_of(Trial(), 2)
    assert [step for _, step in Trial.told] == [1, 2]
    assert error == Trial.told[-1][0] < Trial.told[0][0]
    Trial.told, Trial.prunes = [], 1
    with pytest.raises(optuna.TrialPruned):
        optuna_search.error_of(Trial(), 2)
    assert len(Trial.told) == 1


# -- the notebook ----------------------------------------------------------------------------------

TOUR = EXAMPLES / "tour.ipynb"


def test_the_tour_runs_and_shows_what_it_says(tmp_path):
    """In a Python of its own, in another folder, where every warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "tests.support.notebook", TOUR, tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    shown = {path.stem: path for path in tmp_path.iterdir()}
    pictures = [path for path in shown.values() if path.suffix == ".png"]
    assert len(pictures) == len(re.findall(r"figure\(\)\n|_picture\(shown", source_of_tour())) + 1
    assert all(path.stat().st_size > 500 for path in pictures)
    misclassified = re.search(r"([0-9.]+)% of the test images", run.stdout)
    assert float(misclassified[1]) < 8
    texts = [path.read_text() for path in shown.values() if path.suffix == ".txt"]
    (top,) = [found for found in texts if found.startswith("[(")]
    assert ast.literal_eval(top)[0][0] == "3"  # what is drawn


def source_of_tour():
    return "".join(text + "\n" for text in code_cells(TOUR))


def test_the_tour_is_stored_without_results():
    for cell in json.loads(TOUR.read_text("utf-8"))["cells"]:
        assert cell["cell_type"] == "markdown" or cell["outputs"] == []
        assert cell.get("execution_count") is None


def test_the_commands_of_the_tour_exist():
    cells = json.loads(TOUR.read_text("utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    lines = re.findall(r"`convnet ([a-z-]+) ([^`]*)`", text)
    assert len(lines) == 7
    for command, arguments in lines:
        known = {name for option in main.commands[command].params for name in option.opts}
        assert set(re.findall(r"--[a-z-]+", arguments)) <= known, command
    links = re.findall(r"\]\((\.\./[^)]*)\)", text)
    assert links and all((EXAMPLES / link).is_file() for link in links)
