"""A trained run, and a made data set, that many tests look at."""

import signal

import pytest

from convnet.make_data.make import make_data
from tests.support.command_line import DIGITS, good
from tests.support.imagenet_archives import write_ilsvrc
from tests.support.made_sets import CLASSES, TRAIN, VAL, wanted

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts `make test &` so, and commands of tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a run of a few minibatches, under checkpoints/ as by default."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("CONVNET_DATA", raising=False)
        good("train", *DIGITS, "--epochs", "2", "--max-batches", "30", "--seed", "3")
    return folder


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture(scope="session")
def archives(tmp_path_factory):
    """ImageNet's three archives, small, with the known troublemakers."""
    return write_ilsvrc(tmp_path_factory.mktemp("ilsvrc"), CLASSES, TRAIN, VAL)


@pytest.fixture(scope="session")
def made(archives, tmp_path_factory):
    """The data set made of them; to be left as it is."""
    out = tmp_path_factory.mktemp("made") / "set"
    make_data(wanted(archives), out)
    return out
