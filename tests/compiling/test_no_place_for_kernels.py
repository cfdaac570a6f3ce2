"""Compiling where neither the package's folder nor the home can be written, from end to end."""

import os
import subprocess
import sys

import pytest

from convnet.compiling.kernels import IS_KNOWN
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.skipif(not IS_KNOWN, reason="this Numba compiles and caches kernels itself"),
    pytest.mark.slow,
]

PROGRAM = """
import numpy as np
from kernels import fill
x = np.zeros(3, np.float32)
fill(x, 2.0)
print(x.sum(), sum(fill.dispatcher.stats.cache_hits.values()))
"""
KERNELS = """
from convnet.compiling.kernels import kernel

@kernel()
def fill(x, value):
    for i in range(x.size):
        x[i] = value
"""


@pytest.fixture
def unwritable(tmp_path):
    """A folder of kernels beside which, and a home in which, Numba can make no folder.

    Files stand in their places: permissions would not stop root.
    """
    package = tmp_path / "package"
    package.mkdir()
    (package / "kernels.py").write_text(KERNELS)
    (package / "__pycache__").write_text("a file in its place")
    (tmp_path / "home").write_text("a file in its place")
    return package


def run(package, temporary):
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("NUMBA_", "XDG_")) and key not in ("TMP", "TEMP")
    }
    environment |= {
        "HOME": str(package.parent / "home"),
        "TMPDIR": str(temporary),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(package)]),
    }
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=package.parent
    )


def test_kernels_are_kept_among_the_temporary_files(unwritable, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    first, again = run(unwritable, temporary), run(unwritable, temporary)
    assert (first.stdout, again.stdout) == ("6.0 0\n", "6.0 1\n"), first.stderr
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700 and list(folder.rglob("*.nbc"))
    assert f"compiled kernels are kept in {folder} (NUMBA_CACHE_DIR names another" in first.stderr


def test_kernels_are_compiled_each_time_where_no_temporary_files_can_be_written(
    unwritable, tmp_path
):
    """As on a machine whose disk is full: making any folder fails."""
    refusing = "import os, tempfile\ndef mkdir(*_, **__):\n    raise OSError(28, 'full')\n"
    refusing += "os.mkdir = mkdir\n"
    (unwritable / "sitecustomize.py").write_text(refusing)
    found = run(unwritable, tmp_path)
    assert found.stdout == "6.0 0\n", found.stderr
    assert "compiled kernels are not kept: each run compiles them anew" in found.stderr
