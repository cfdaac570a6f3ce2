"""`convnet devices`, and what is said where CUDA is asked for and missing."""

import json

import pytest
from click.testing import CliRunner
from rows import graph_of

from convnet.backends import probe
from convnet.cli import main
from convnet.errors import DeviceError
from convnet.prepare import DeviceOptions, make_engine

LAYERS = "[x]\ntype=data\ndataIdx=0\n[c]\ntype=cost.sum2\ninputs=x\n"


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(probe, "driver_version", lambda: None)


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda name: None)


def test_without_the_package_the_command_that_installs_it_is_told(no_package):
    assert probe.INSTALL in probe.missing()


def test_without_a_driver_that_is_told(no_driver, monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda name: object())
    assert "driver" in probe.missing()


def test_devices_is_no_error_without_cuda(no_package):
    done = CliRunner().invoke(main, ["devices"])
    assert done.exit_code == 0, done.output
    assert "CUDA cannot be used: the package numba-cuda is not installed" in done.output


def test_devices_as_json(no_package):
    done = CliRunner().invoke(main, ["devices", "--json"])
    facts = json.loads(done.output)
    assert facts["gpus"] == [] and "numba-cuda" in facts["missing"]
    assert set(facts["versions"]) == set(probe.PACKAGES)


def test_asking_for_cuda_where_it_is_missing(no_package):
    graph = graph_of(LAYERS, "[c]\ncoeff=1\n", {0: 4})
    with pytest.raises(DeviceError, match="numba-cuda is not installed.*convnet devices"):
        make_engine(DeviceOptions("cuda"), graph)
