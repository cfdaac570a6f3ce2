"""What a wheel and a source distribution hold, and where the version comes from."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import numba
import pytest

import convnet
from convnet import nets
from convnet.compiling.kernels import IS_KNOWN
from tests.support.command_line import ROOT, good

SOURCES = ["convnet", "layers", "params", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml"]
SOURCES += ["setup.py"]
NETS = {f"layers/{path.name}" for path in (ROOT / "layers").iterdir()}
NETS |= {f"params/{path.name}" for path in (ROOT / "params").iterdir()}
TRAINED = {f"convnet/nets/trained/{path.name}" for path in nets.TRAINED.iterdir()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def built(kind, tmp_path):
    """The file that setuptools builds of a copy of the sources; kind: wheel or sdist."""
    source = tmp_path / "source"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            (source / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    code = f"from setuptools.build_meta import build_{kind}; build_{kind}('out')"
    (source / "out").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", code], cwd=source, env=environment, check=True, capture_output=True
    )
    (path,) = (source / "out").iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(built("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def test_the_wheel_holds_the_nets(wheel):
    names = {name for name in wheel.namelist() if name.startswith("convnet/nets/")}
    assert (
        names == {"convnet/nets/__init__.py", *(f"convnet/nets/{name}" for name in NETS)} | TRAINED
    )
    assert any(name.endswith(".safetensors") for name in TRAINED)
    text = wheel.read("convnet/nets/layers/digits.cfg")
    assert text == (ROOT / "layers/digits.cfg").read_bytes()


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"convnet", f"convnet-{convnet.__version__}.dist-info"}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "convnet").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "convnet/py.typed" in ours
    assert ours <= set(wheel.namelist())


def test_an_installed_package_finds_its_own_nets(wheel, tmp_path):
    """Run from the unpacked wheel, which no checkout surrounds."""
    wheel.extractall(tmp_path / "site")
    code = "from convnet import nets; print(nets.find(nets.Path('digits')).params)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    expected = tmp_path / "site/convnet/nets/params/digits.params"
    assert found.stdout.strip() == str(expected), found.stderr
    assert expected.is_file()


def test_metadata(wheel):
    (path,) = [name for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    lines = wheel.read(path).decode().split("\n\n")[0].splitlines()
    assert f"Version: {convnet.__version__}" in lines
    assert "License-Expression: BSD-3-Clause" in lines and "License-File: LICENSE" in lines
    assert "Author: the convnet developers" in lines
    assert not any("URL" in line.partition(":")[0] for line in lines)


def test_the_source_distribution_holds_the_nets(tmp_path):
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    others = {"LICENSE", "setup.py", "convnet/py.typed", "convnet/data/datasets/digits.npz"}
    assert NETS | TRAINED | others <= names


def test_the_version_is_written_once():
    assert PROJECT["dynamic"] == ["version"]
    assert good("--version").stdout == f"convnet, version {convnet.__version__}\n"
    page = (ROOT / "convnet/__init__.py").read_text(encoding="utf-8")
    assert re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', page, re.MULTILINE)


def test_the_version_needs_no_installed_package(tmp_path):
    """`python -m convnet` from a copy of the sources, with no metadata beside it."""
    shutil.copytree(ROOT / "convnet", tmp_path / "convnet")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "convnet", "--version"]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert found.stdout == f"convnet, version {convnet.__version__}\n", found.stderr


def test_the_bound_of_numba_is_the_version_whose_inner_parts_are_known():
    (bound,) = [need for need in PROJECT["dependencies"] if need.startswith("numba>")]
    assert bound.endswith(",<0.69")
    assert IS_KNOWN == (numba.version_info.short == (0, 68))
