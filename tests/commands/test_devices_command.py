"""`convnet devices` on machines with a driver: stand-ins for it, and for the packages."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from convnet.backends import cuda_probe
from convnet.cli import main
from convnet.commands.listing import devices

GOOD = dict.fromkeys(cuda_probe.PACKAGES, "13.0.88") | {"numba-cuda": "0.30.4", "numpy": "2.4.6"}


class Driver:
    """Both libraries of a driver, as far as they are asked."""

    def cuDriverGetVersion(self, number):
        number._obj.value = 13000
        return 0

    def nvmlInit_v2(self):
        return 0

    def nvmlSystemGetDriverVersion(self, text, size):
        assert size == 80
        text.value = b"580.95.05"
        return 0

    def nvmlShutdown(self):
        return 0


@pytest.fixture
def machine(monkeypatch):
    """A machine with a driver; its `packages` and `libraries` can be changed."""
    found = SimpleNamespace(packages=dict(GOOD), libraries=set(cuda_probe.LIBRARIES))
    monkeypatch.setattr(cuda_probe, "find_spec", lambda name: object())
    monkeypatch.setattr(cuda_probe, "_library", lambda names: Driver())
    monkeypatch.setattr(cuda_probe, "versions", lambda: found.packages)
    monkeypatch.setattr(devices, "versions", lambda: found.packages)
    monkeypatch.setattr(cuda_probe, "loads", lambda name: name in found.libraries)
    return found


def gpu(number, peers=()):
    return {"gpu": number, "name": "NVIDIA H200", "memory_bytes": 150_000_000_000,
            "free_bytes": 149_000_000_000, "compute_capability": "9.0",
            "peers": list(peers)}  # fmt: skip


def printed():
    done = CliRunner().invoke(main, ["devices"])
    assert done.exit_code == 0, done.output
    return done.output


def test_gpus_driver_peers_and_versions(machine, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [gpu(0, [1]), gpu(1)])
    lines = printed().splitlines()
    assert lines[0] == (
        "GPU 0: NVIDIA H200, 150.0 GB (149.0 free), compute capability 9.0, direct access to "
        "GPUs: 1"
    )
    assert lines[1].endswith("direct access to GPUs: none")
    assert lines[2] == "driver: 580.95.05, runs CUDA 13.0"
    assert "numba-cuda: 0.30.4" in lines and "nvidia-nvvm: 13.0.88" in lines
    assert not any("cannot be used" in line for line in lines)


def test_a_numpy_that_is_too_new(machine):
    machine.packages["numpy"] = "2.5.2"
    assert "pip install 'numpy<2.5'" in printed()
    machine.packages["numba-cuda"] = "0.31.0"
    assert cuda_probe.missing() == ""


@pytest.mark.parametrize("name", cuda_probe.LIBRARIES)
def test_a_library_that_is_not_found(machine, name):
    machine.libraries.remove(name)
    expected = f"NVIDIA's library {cuda_probe.LIBRARIES[name]} was not found; {cuda_probe.INSTALL}"
    assert expected in printed()


def test_a_compiler_newer_than_the_linker(machine):
    machine.packages["nvidia-nvvm"] = "13.5.37"
    assert "pip install 'nvidia-nvvm==13.0.*'" in printed()
    machine.packages["nvidia-nvjitlink"] = None  # of a toolkit: its version is not known
    assert cuda_probe.missing() == ""


def test_all_that_is_missing_is_told_at_once(machine):
    machine.packages["numpy"] = "2.5.0"
    machine.libraries.clear()
    found = printed()
    assert "numpy<2.5" in found and all(title in found for title in cuda_probe.LIBRARIES.values())


def test_a_driver_that_does_not_start(machine, monkeypatch):
    from numba.cuda.cudadrv.error import CudaSupportError

    def fail():
        raise CudaSupportError("Error at driver init:\nCUDA_ERROR_NO_DEVICE (100)")

    monkeypatch.setattr(devices, "gpus", fail)
    assert "does not start CUDA: Error at driver init: CUDA_ERROR_NO_DEVICE (100)." in printed()
    monkeypatch.setattr(devices, "gpus", list)
    assert "the driver finds no GPU" in printed()


def test_without_the_management_library_the_release_is_left_out(machine, monkeypatch):
    def library(names):
        return None if "libnvidia-ml.so.1" in names else Driver()

    monkeypatch.setattr(cuda_probe, "_library", library)
    monkeypatch.setattr(devices, "gpus", list)
    assert "driver: runs CUDA 13.0" in printed()
