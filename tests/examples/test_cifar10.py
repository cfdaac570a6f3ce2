"""python -m examples.cifar10: the data, the stages of a run, resuming."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from convnet.data import open_dataset
from convnet.errors import DataError
from examples import stages
from examples.cifar10 import __main__ as command_line
from examples.cifar10.batches import originals_folder
from examples.cifar10.nets import BY_NAME, NETS, Stage, folding
from examples.cifar10.training import Place, command, scores, settings, train
from examples.stages import epochs_done, scaled
from tests.support.made_cifar import CASES, make_archive, make_corpus
from tests.support.paths import ROOT

NET = BY_NAME["80sec"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("archive") / "cifar-10-batches-py")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


# -- schedules -------------------------------------------------------------------------------------


def test_the_methodology_in_stages():
    assert folding(100, 140) == (
        Stage(100, 1, "1-4", "5"),
        Stage(140, 1, "1-5", "6"),
        Stage(150, 10, "1-5", "6"),
        Stage(160, 100, "1-5", "6"),
    )


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.001])
def test_scaled_stages_keep_their_order_and_an_epoch_each(scale):
    for net in NETS:
        ends = [0, *(stage.until for stage in scaled(net.stages, scale))]
        assert all(b > a for a, b in zip(ends, ends[1:], strict=False)), (net.name, ends)
        assert [s.divisor for s in scaled(net.stages, scale)] == [s.divisor for s in net.stages]
    assert scaled(NET.stages, 1.0) == NET.stages
    assert [s.until for s in scaled(folding(100, 140), 0.3)] == [30, 42, 45, 48]


def test_all_nets_are_tested_on_the_test_set():
    assert all((net.stages[-1].train, net.stages[-1].test) == ("1-5", "6") for net in NETS)


# -- the data --------------------------------------------------------------------------------------


def test_the_archive_becomes_data_batches_in_the_same_order(archive, tmp_path):
    given = open_dataset(archive)
    made = open_dataset(
        originals_folder(archive, tmp_path / "made"), train_range="1-5", test_range="6"
    )
    for split, count in (("train", 5 * CASES), ("test", CASES)):
        every = np.arange(count)
        assert made.count(split) == given.count(split) == count
        np.testing.assert_array_equal(made.images(split, every), given.images(split, every))
        np.testing.assert_array_equal(made.labels(split, every), given.labels(split, every))
    assert [len(cases) for cases in made.stored_batches("train").values()] == 5 * [CASES]
    np.testing.assert_allclose(made.mean_image(), given.mean_image(), rtol=1e-6)
    assert made.class_names == given.class_names


def test_the_mean_is_that_of_all_training_images(archive, tmp_path):
    """As in the originals' batches.meta, whichever data batches are trained on."""
    made = originals_folder(archive, tmp_path / "made")
    given = open_dataset(archive).mean_image()
    np.testing.assert_allclose(open_dataset(made, train_range="1-4").mean_image(), given, rtol=1e-6)


def test_the_data_batches_are_written_once_and_completed_after_a_kill(archive, tmp_path):
    made = originals_folder(archive, tmp_path / "made")
    first = (made / "data_batch_3").stat().st_mtime_ns
    assert originals_folder(archive, made) == made
    assert (made / "data_batch_3").stat().st_mtime_ns == first
    (made / "batches.meta").unlink()  # it is written last
    (made / "data_batch_6").unlink()
    originals_folder(archive, made)
    assert open_dataset(made).count("test") == CASES
    assert originals_folder(made, tmp_path / "unused") == made
    assert not (tmp_path / "unused").exists()


def test_other_data_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be CIFAR-10"):
        originals_folder(Path("digits"), tmp_path / "made")


# -- what differs from the files ------------------------------------------------------------------


def test_a_stage_divides_the_rates_of_the_weights_alone(corpus):
    assert settings(NET, Stage(8), corpus) == []
    assert settings(NET, Stage(10, divisor=10), corpus) == ["fc1.epsW=1e-05"]


def test_values_replace_those_of_all_layers(corpus):
    net = BY_NAME["19pct-crops"]
    assert settings(net, Stage(100), corpus) == ["fc1.wc=0"]
    assert settings(net, Stage(160, 100), corpus) == ["fc1.wc=0", "fc1.epsW=1e-06"]


# -- stages ----------------------------------------------------------------------------------------


def option(arguments, name):
    return arguments[arguments.index(name) + 1]


def test_the_commands_of_a_run(corpus, tmp_path):
    net = replace(BY_NAME["conv-local-13pct"], folder="cc1/example-layers", files="19pct")
    place = Place(tmp_path, corpus, tmp_path / "data", more=("--device", "cpu"))
    first, second, *_ = (command(net, 2, place, number) for number in range(4))
    save = ["--save", str(tmp_path / "conv-local-13pct-2"), "--resume-or-start"]
    assert first[-5:] == ["--seed", "2", *save]
    assert (option(first, "--train-range"), option(first, "--test-range")) == ("1-4", "5")
    assert (option(first, "--epochs"), option(first, "--crop-border")) == ("100", "4")
    assert option(second, "--resume") == option(first, "--save")
    assert (option(second, "--train-range"), option(second, "--epochs")) == ("1-5", "140")
    assert "--layers" not in second and "--seed" not in second and "--dialect" in first
    assert option(first, "--device") == option(second, "--device") == "cpu"


def test_a_run_goes_on_in_the_stage_where_it_stopped(corpus, tmp_path, monkeypatch):
    done, called = [3.2], []

    def call(arguments, output=None):
        called.append((arguments[1], option(arguments, "--epochs")))
        done[0] = float(option(arguments, "--epochs"))

    monkeypatch.setattr(stages, "call", call)
    monkeypatch.setattr(stages, "epochs_done", lambda folder: done[0])
    place = Place(tmp_path, corpus, tmp_path)
    train(NET, 1, place)
    assert called == [("--layers", "8"), ("--resume", "10")]
    called.clear()
    train(NET, 1, place)
    assert called == []
    done[0] = 8.0
    train(NET, 1, place)
    assert called == [("--resume", "10")]


def test_a_run_that_was_stopped_by_a_signal_ends_the_command(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "call", lambda arguments: "")
    with pytest.raises(click.Abort):
        train(NET, 1, Place(tmp_path, corpus, tmp_path))


def test_a_command_that_fails_ends_the_run(capfd):
    with pytest.raises(click.Abort):
        stages.call(["train", "--resume", "no-such-run"])
    assert "no-such-run" in capfd.readouterr().err


# -- a whole run -----------------------------------------------------------------------------------


def test_a_stopped_run_continues_to_the_same_result(archive, corpus, tmp_path, monkeypatch):
    """Two stages of an epoch each, five minibatches of 20 cases an epoch."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    data = originals_folder(archive, tmp_path / "data")
    stopped = Place(tmp_path / "a", corpus, data, 0.001, ("--max-batches", "3"))
    with pytest.raises(click.Abort):
        train(NET, 1, stopped)
    assert 0 < epochs_done(stopped.folder(NET, 1)) < 1
    places = Place(tmp_path / "a", corpus, data, 0.001), Place(tmp_path / "b", corpus, data, 0.001)
    for place in places:
        train(NET, 1, place)
        assert epochs_done(place.folder(NET, 1)) == 2
    one, other = (scores(NET, 1, place) for place in places)
    assert one == other and one[0]["cases"] == CASES and one[0]["views"] == 1
    monkeypatch.setattr(stages, "call", lambda *_: pytest.fail("tested again"))
    assert scores(NET, 1, places[0]) == one
    journal = (places[0].folder(NET, 1) / "journal.jsonl").read_text()
    rates = {json.loads(line).get("rates", {}).get("fc1.weights.0") for line in journal.split("\n")
             if line}  # fmt: skip
    assert {0.0001, 0.00001} <= rates


# -- the command line ------------------------------------------------------------------------------


def invoke(*arguments):
    return CliRunner().invoke(command_line.main, list(map(str, arguments)))


def test_unknown_nets_and_missing_files_are_named(archive, tmp_path):
    given = ["--data", archive, "--corpus", tmp_path, "--runs", tmp_path / "runs"]
    result = invoke(*given, "--nets", "80sec,70sec")
    assert result.exit_code == 2 and "'70sec'" in result.output and "18pct" in result.output
    assert invoke(*given, "--seeds", "1,x").exit_code == 2
    result = invoke(*given, "--nets", "80sec")
    assert result.exit_code == 1 and "layers-80sec.cfg: no such file" in result.output
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_named(archive, corpus, tmp_path):
    (tmp_path / "file").write_text("")
    given = ["--data", archive, "--corpus", corpus, "--nets", "80sec"]
    result = invoke(*given, "--runs", tmp_path / "file" / "runs")
    assert result.exit_code == 1 and f"Error: {tmp_path / 'file' / 'runs'}" in result.output


def test_the_table_of_what_there_is(archive, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("trained"))
    given = ["--data", archive, "--corpus", corpus, "--runs", tmp_path, "--nets", "80sec"]
    result = invoke(*given, "--only-table")
    assert result.exit_code == 0 and "| net | published |" in result.output
    assert (tmp_path / "results.json").read_text() == "[\n\n]\n"
    assert "80sec" not in result.output
