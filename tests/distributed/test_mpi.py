"""`mpiexec -n N convnet ...`: the bits of one process, and an end for every fault."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from convnet.checkpoint import load, newest
from tests.support.mpi_command import (
    alive,
    descendants,
    finished,
    mpiexec,
    needs_mpi,
    ranks_of,
    replicated_digits,
    start,
)
from tests.support.paths import ROOT
from tests.support.picture_folders import write_classes
from tests.support.training import same

pytestmark = needs_mpi
PARAMS = ROOT / "params/digits.params"


@pytest.fixture
def layers(tmp_path):
    return replicated_digits(tmp_path, "0,1", "0,1")


def train(layers, folder, *arguments):
    return ["train", "--layers", layers, "--params", PARAMS, "--save", folder, *arguments]


def state(folder):
    found = load(newest(folder))
    rest = found.position, found.history, found.options, found.seed, found.number
    return found.arrays, rest


def assert_same_end(folder, other):
    (arrays, rest), (others, other_rest) = state(folder), state(other)
    assert same(arrays, others) and rest == other_rest


def good(ranks, *arguments, **more):
    code, out, err = mpiexec(ranks, *arguments, **more)
    assert code == 0, out + err
    return out, err


def in_one_process(*arguments):
    code, out, err = mpiexec(1, *arguments)
    assert code == 0, out + err


# -- the same bits ---------------------------------------------------------------------------------


def test_two_ranks_train_the_bits_of_one_process_and_go_on_with_another_number(tmp_path, layers):
    often = "--epochs", "2", "--test-every", "20", "--save-every", "7"
    in_one_process(*train(layers, tmp_path / "one", *often))
    out, err = good(2, *train(layers, tmp_path / "two", *often))
    assert out.count("trained: 2 of 2 epochs") == 1 and err.count("dialect:") == 1
    assert_same_end(tmp_path / "one", tmp_path / "two")
    good(2, *train(layers, tmp_path / "three", *often, "--max-batches", "10", "--ranks", "1,0"))
    in_one_process("train", "--resume", tmp_path / "three")
    (arrays, _), (others, _) = state(tmp_path / "one"), state(tmp_path / "three")
    assert same(arrays, others)


def test_fewer_ranks_than_devices_also_test_as_one_process_does(tmp_path):
    layers = replicated_digits(tmp_path, "0,1,2,3", "1")
    few = "--epochs", "1", "--max-batches", "3"
    in_one_process(*train(layers, tmp_path / "one", *few))
    good(3, *train(layers, tmp_path / "three", *few, "--ranks", "1,2,0,0"))
    assert_same_end(tmp_path / "one", tmp_path / "three")
    loaded = "test", "--load", tmp_path / "one", "--json", "--multiview"
    assert good(1, *loaded)[0] == good(2, *loaded)[0]


def test_prediction_and_features_are_those_of_one_process(tmp_path, layers):
    good(2, *train(layers, tmp_path / "run", "--max-batches", "1"))
    write_classes(tmp_path / "pictures", 3)
    (tmp_path / "pictures" / "bad.png").write_bytes(b"no picture")
    for ranks in (1, 2):
        predicted = mpiexec(ranks, "predict", "--load", tmp_path / "run", tmp_path / "pictures")
        assert predicted[0] == 1 and predicted[2].count("bad.png") == 1  # it could not be read
        (tmp_path / f"predicted-{ranks}").write_text(predicted[1])
        folder = "--feature-path", tmp_path / f"features-{ranks}"
        good(ranks, "test", "--load", tmp_path / "run", "--write-features", "fc3", *folder)
    first, second = (tmp_path / f"predicted-{ranks}" for ranks in (1, 2))
    assert first.read_text() == second.read_text() != ""
    for path in (tmp_path / "features-1").iterdir():
        assert path.read_bytes() == (tmp_path / "features-2" / path.name).read_bytes()


# -- refused ---------------------------------------------------------------------------------------


def refused(ranks, *arguments, code=1, **more):
    found, out, err = mpiexec(ranks, *arguments, **more)
    assert found == code, out + err
    assert out == ""
    return err


def test_what_all_ranks_refuse_is_told_once(tmp_path, layers):
    line = refused(2, *train(layers, tmp_path / "run", "--data", tmp_path / "nowhere"))
    assert len(line.splitlines()) == 1 and "nowhere" in line
    usage = refused(2, "train", "--bogus", code=2)
    assert usage.count("No such option") == 1
    assert not (tmp_path / "run").exists()


def test_a_rank_that_fails_before_the_others_start_ends_them(tmp_path, layers):
    other = [":", "-n", "1", sys.executable, "-m", "convnet", "train", "--bogus"]
    line = refused(1, *train(layers, tmp_path / "run"), *other, code=2)
    assert "rank 1: Usage" in line and "No such option" in line


def test_more_ranks_than_devices_are_refused(tmp_path, layers):
    line = refused(3, *train(layers, tmp_path / "run"))
    assert "the network has 2 devices, and there are 3 ranks: start at most 2" in line
    assert not (tmp_path / "run").exists()


def test_ranks_that_differ_are_refused(tmp_path, layers):
    differing = train(layers, tmp_path / "run", "--seed", "1")
    other = [":", "-n", "1", sys.executable, "-m", "convnet"]
    other += train(layers, tmp_path / "run", "--seed", "2")
    line = refused(1, *differing, *other)
    assert len(line.splitlines()) == 2, line  # where it runs, and the refusal
    assert "ranks 0 and 1 differ: the options" in line


def test_the_extra_is_named_where_it_is_missing(tmp_path, layers):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    line = refused(2, *train(layers, tmp_path / "run"), PYTHONPATH=path)
    assert len(line.splitlines()) == 1 and "pip install 'convnet[mpi]'" in line


# -- faults ----------------------------------------------------------------------------------------


def running(layers, folder, *more):
    """A run of two ranks that has saved something: (process, {rank: process id})."""
    process = start(2, *train(layers, folder, "--epochs", "100000", "--test-every", "30", *more))
    deadline = time.monotonic() + 60
    while not list(Path(folder).glob("*.safetensors")):
        assert time.monotonic() < deadline and process.poll() is None, finished(process)
        time.sleep(0.05)
    return process, ranks_of(process)


def end_of(process, pids, within=15):
    """(exit code, output) of a run that has to end in so many seconds and to leave nothing."""
    code, out, err = finished(process, within)
    deadline = time.monotonic() + 5
    while (left := alive(pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left and code != 0
    return code, out + err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_a_signal_at_the_launcher_saves_and_ends_everywhere(tmp_path, layers, number):
    process, _ = running(layers, tmp_path / "run")
    pids = descendants(process.pid)
    process.send_signal(number)
    code, said = end_of(process, pids)
    assert code == 128 + number
    assert said.count("saving; a second signal stops at once") == 1
    assert f"checkpoint: {newest(tmp_path / 'run')}" in said


def test_a_killed_rank_ends_the_others(tmp_path, layers, rank=1):
    process, ranks = running(layers, tmp_path / "run")
    pids = descendants(process.pid)
    os.kill(ranks[rank], signal.SIGKILL)
    end_of(process, pids)
    load(newest(tmp_path / "run"))


def test_ranks_end_with_their_launcher(tmp_path, layers):
    process, _ = running(layers, tmp_path / "run")
    pids = descendants(process.pid)
    for each in [process.pid, *(pid for pid in pids if pid not in ranks_of(process).values())]:
        os.kill(each, signal.SIGKILL)  # the one that watches over the ranks too
    end_of(process, pids)


def test_a_rank_that_does_not_answer_is_given_up(tmp_path, layers):
    process, ranks = running(layers, tmp_path / "run", "--rank-timeout", "2")
    pids = descendants(process.pid)
    os.kill(ranks[1], signal.SIGSTOP)
    _, said = end_of(process, pids)
    assert said.count("rank 0: has waited 2 s for rank 1, which does not answer") == 1
    assert "Traceback" not in said


def test_what_one_rank_meets_is_told_with_its_number(tmp_path, layers):
    module = tmp_path / "functions.py"
    module.write_text(
        "import os, numpy\n"
        "def f(name, index, shape, params=None):\n"
        "    if os.environ['PMI_RANK'] == '1':\n"
        "        raise RuntimeError('not on this machine')\n"
        "    return numpy.zeros(shape)\n"
    )
    text = layers.read_text().replace("initW=0.01", "initWFunc=functions.f()")
    layers.write_text(text)
    started = time.monotonic()
    line = refused(2, *train(layers, tmp_path / "run", "--init-module", module), timeout=30)
    assert time.monotonic() - started < 25
    assert "rank 1: " in line and "not on this machine" in line
