"""What Numba's cache on disk knows a CUDA kernel by, so that it is compiled once and no longer."""

import subprocess
import sys

import pytest

pytest.importorskip("numba.cuda.extending")

PROGRAM = """
import hashlib
from numba.cuda.serialize import dumps
from convnet.backends.cuda.finish import _kernels
from convnet.backends.cuda.product import Variant, product_kernel
made = [_kernels("tanh")[4], product_kernel(Variant(0, 4, 2, 4, 4, 128, 128, 1, "relu"))]
for kernel in made:  # as numba.cuda.core.caching.Cache._index_key
    cells = tuple(cell.cell_contents for cell in kernel.function.__closure__)
    print(kernel.function.__qualname__, hashlib.sha256(dumps(cells)).hexdigest())
    print(kernel.dispatcher._cache._cache_file._source_stamp)
"""


def test_keys_are_the_same_in_every_process():
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    )  # fmt: skip
    assert first == second and len(first.splitlines()) == 4


def test_any_edit_of_the_backend_makes_kernels_stale(tmp_path, monkeypatch):
    from convnet.backends.cuda import compiling

    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    digest = compiling._sources.__wrapped__
    (tmp_path / "tiles.py").write_text("one")
    before = digest()
    (tmp_path / "tiles.py").write_text("two")
    assert digest() != before
