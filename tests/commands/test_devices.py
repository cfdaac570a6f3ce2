"""`convnet devices`, and what is said where CUDA is asked for and missing."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from convnet import checkpoint
from convnet.backends import cuda_probe
from convnet.backends.base import PRECISIONS
from convnet.cli import main
from convnet.cli_options.shared import DeviceArguments
from convnet.commands.run_options import device_options_of_run
from convnet.engines import DeviceOptions, make_engine
from convnet.errors import DeviceError
from convnet.train.changes import describe_options
from tests.support.command_line import DIGITS, good, run
from tests.support.rows import graph_of

LAYERS = "[x]\ntype=data\ndataIdx=0\n[c]\ntype=cost.sum2\ninputs=x\n"


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(cuda_probe, "driver_version", lambda: None)


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(cuda_probe, "find_spec", lambda name: None)


def test_without_the_package_the_command_that_installs_it_is_told(no_package):
    assert cuda_probe.INSTALL in cuda_probe.missing()


def test_without_a_driver_that_is_told(no_driver, monkeypatch):
    monkeypatch.setattr(cuda_probe, "find_spec", lambda name: object())
    assert "driver" in cuda_probe.missing()


def test_devices_is_no_error_without_cuda(no_package):
    done = CliRunner().invoke(main, ["devices"])
    assert done.exit_code == 0, done.output
    assert "CUDA cannot be used: the package numba-cuda is not installed" in done.output


def test_devices_as_json(no_package):
    done = CliRunner().invoke(main, ["devices", "--json"])
    facts = json.loads(done.output)
    assert facts["gpus"] == [] and "numba-cuda" in facts["missing"]
    assert set(facts["versions"]) == set(cuda_probe.PACKAGES)


def test_asking_for_cuda_where_it_is_missing(no_package):
    graph = graph_of(LAYERS, "[c]\ncoeff=1\n", {0: 4})
    with pytest.raises(DeviceError, match="numba-cuda is not installed.*convnet devices"):
        make_engine(DeviceOptions("cuda"), graph)


@pytest.fixture
def gpus(monkeypatch):
    """Makes it look as if there were GPUs of these compute capabilities."""
    from numba import cuda

    def there_are(*capabilities):
        found = [
            SimpleNamespace(compute_capability=capability, get_primary_context=lambda: None)
            for capability in capabilities
        ]
        monkeypatch.setattr(cuda, "gpus", found)
        monkeypatch.setattr(cuda_probe, "missing", lambda: "")

    return there_are


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_precision_reaches_the_engine_and_the_first_line(gpus, precision):
    gpus((9, 0))
    graph = graph_of(LAYERS, "[c]\ncoeff=1\n", {0: 4})
    engine, line, _ = make_engine(DeviceOptions("cuda", (0,), True, precision), graph)
    assert engine.precision == precision
    assert line == f"running with CUDA (device 0 on GPU 0; products in {precision})"


def test_an_old_gpu_is_refused(gpus):
    gpus((8, 0), (7, 5))
    graph = graph_of(LAYERS, "[c]\ncoeff=1\n", {0: 4})
    assert make_engine(DeviceOptions("cuda", (0,)), graph)[0].precision == "fp32"
    with pytest.raises(DeviceError, match=r"GPU 1 has compute capability 7\.5; .* 8\.0 .*--gpu"):
        make_engine(DeviceOptions("cuda", (1,)), graph)
    with pytest.raises(DeviceError, match="there is no GPU 2: this machine has 2"):
        make_engine(DeviceOptions("cuda", (2,)), graph)


def test_all_precisions_can_be_given():
    (options,) = DeviceArguments.sections().values()
    (option,) = [each for each in options if each.name == "precision"]
    assert tuple(option.type.choices) == PRECISIONS
    assert run("train", *DIGITS, "--precision", "fp16").exit_code == 2


def test_the_cpu_has_no_tensor_cores():
    for command in (["train", *DIGITS, "--dry-run"], ["train", *DIGITS, "--device", "cpu"]):
        result = run(*command, "--precision", "tf32")
        assert result.exit_code == 1
        assert "products in tf32 need the tensor cores of a GPU" in result.output
        assert "Give --precision fp32" in result.output


def test_a_run_keeps_its_precision(tmp_path):
    command = ["--save", tmp_path / "run", "--max-batches", "1", "--test-every", "100"]
    good("train", *DIGITS, *command, "--minibatch", "10", "--precision", "fp32")
    stored = checkpoint.load(checkpoint.newest(tmp_path / "run")).options
    assert stored["precision"] == "fp32"
    given = DeviceArguments(device="cuda")
    assert device_options_of_run(given, {"precision": "bf16"}).precision == "bf16"
    assert device_options_of_run(given, {}).precision == "fp32"
    given = replace(given, precision="fp32")
    assert device_options_of_run(given, {"precision": "bf16"}).precision == "fp32"
    changes = describe_options({"precision": "bf16"}, stored)
    assert changes == ["precision bf16 -> fp32"]
