"""A trained run, for the tests of the command line."""

import pytest
from command_line import DIGITS, good


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
