"""Compiled kernels: their files, which processes share, and helpers, which are only linked."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile

from convnet.compiling import kernel_cache, private_folder
from convnet.compiling.kernels import IS_KNOWN, helper, kernel
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(
    not IS_KNOWN, reason="this Numba compiles and caches kernels itself"
)

MODULE = """
import numpy as np
from numba import prange
from convnet.compiling.kernels import kernel
from helpers import put

@kernel(parallel=True)
def fill(x, value):
    for i in prange(x.size):
        put(x, i, value)

x = np.zeros(3, np.float32)
fill(x, 2.0)
print(x.sum(), sum(fill.dispatcher.stats.cache_hits.values()))
"""
HELPERS = """
from convnet.compiling.kernels import helper

@helper()
def put(x, i, value):
    x[i] = value{}
"""


def run(folder) -> str:
    command = [sys.executable, str(folder / "kernels.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def test_a_kernel_is_compiled_once_and_again_after_an_edit_of_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "kernels.py").write_text(MODULE)
    (tmp_path / "helpers.py").write_text(HELPERS.format(""))
    assert [run(tmp_path), run(tmp_path)] == ["6.0 0", "6.0 1"]
    (tmp_path / "helpers.py").write_text(HELPERS.format(" + 1"))
    assert [run(tmp_path), run(tmp_path)] == ["9.0 0", "9.0 1"]
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1


# The folder of some kernels, a folder where a file is edited, whether the kernels depend on it.
EDITS = [
    ("backends/cpu/ops", "backends/cpu/ops", True),
    ("backends/cpu/ops", "backends/cpu/gemm", True),
    ("backends/cpu/ops", "backends/cpu", True),
    ("backends/cpu/winograd", "backends/cpu/kernels", True),
    ("backends/cpu/ops", "compiling", True),
    ("backends/cpu/ops", "operations", True),
    ("backends/cpu/ops", "backends/cuda/gemm", False),
    ("backends/cpu/ops", "train", False),
    ("backends/cuda/ops", "backends/cuda/gemm", True),
    ("backends/cuda/ops", "backends/cpu/ops", True),
    ("backends/cuda/ops", "compiling", True),
    ("backends/cuda/ops", "train", False),
    ("data/pipeline", "data/datasets", True),
    ("data/pipeline", "compiling", True),
    ("data/pipeline", "train", False),
    ("search", "search", True),
    ("search", "train", False),
]


@pytest.fixture
def copied_tree(tmp_path, monkeypatch):
    """A copy of the package; digests are of its files."""
    tree = tmp_path / "convnet"
    shutil.copytree(ROOT / "convnet", tree, ignore=shutil.ignore_patterns("__pycache__"))
    shared = tuple(tree / folder.relative_to(kernel_cache._ROOT) for folder in kernel_cache._SHARED)
    monkeypatch.setattr(kernel_cache, "_ROOT", tree)
    monkeypatch.setattr(kernel_cache, "_SHARED", shared)
    return tree


def digest(folder):
    return kernel_cache.source_digest.__wrapped__(folder)


@pytest.mark.parametrize(("kernels", "edited", "depends"), EDITS)
def test_a_digest_covers_the_package_of_a_kernel_and_the_shared_ones(
    copied_tree, kernels, edited, depends
):
    before = digest(copied_tree / kernels)
    file = min((copied_tree / edited).glob("*.py"))
    file.write_text(file.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    assert (digest(copied_tree / kernels) != before) == depends


def test_a_digest_covers_the_versions_of_other_compilers():
    folder = ROOT / "convnet" / "compiling"
    digests = {kernel_cache.source_digest(folder, (v,)) for v in ("13.0.88", "13.5.37", None)}
    assert len(digests) == 3 and kernel_cache.source_digest(folder) not in digests


def test_digests_of_equal_trees_are_equal(copied_tree):
    for folder in ("backends/cpu/ops", "backends/cuda/ops", "data/pipeline"):
        assert digest(copied_tree / folder) == digest(copied_tree / folder)


def kernel_files(folder, source="now"):
    return kernel_cache.KernelFiles(
        IndexDataCacheFile(str(folder), "one-12.py311", "stamp"), source
    )


def test_processes_that_save_at_the_same_time_keep_all_kernels(tmp_path):
    """Threads, each with its own KernelFiles, stand for processes."""
    keys = [[(f"float{bits}", n) for n in range(40)] for bits in (16, 32, 64)]

    def save(own):
        mine = kernel_files(tmp_path)
        for key in own:
            mine.save(key, f"code of {key}")

    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(save, keys))
    found = kernel_files(tmp_path)
    assert all(found.load(key) == f"code of {key}" for own in keys for key in own)


def test_kernels_of_older_sources_are_not_found_and_are_removed(tmp_path):
    kernel_files(tmp_path, "old").save("key", "old code")
    newer = kernel_files(tmp_path, "new")
    assert newer.load("key") is None
    newer.save("key", "new code")
    assert kernel_files(tmp_path, "old").load("key") is None and newer.load("key") == "new code"
    newer.flush()
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_key_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel_cache.KernelFiles, "_prefix", lambda self, key: self._base)
    kernel_files(tmp_path).save("one key", "code")
    assert kernel_files(tmp_path).load("another key") is None


@helper()
def _add(x, factor):
    for i in range(x.size):
        x[i] += factor * i


def test_helpers_are_linked_and_not_compiled_on_their_own(tmp_path, monkeypatch):
    """With an empty cache, since a kernel that is loaded from one compiles no helper."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    @kernel(parallel=True)
    def add_to_rows(x, factor):
        for row in numba.prange(x.shape[0]):
            _add(x[row], factor)

    x = np.ones((2, 4))
    add_to_rows(x, 3.0)
    assert np.array_equal(x, np.tile(1 + 3.0 * np.arange(4), (2, 1)))
    kernels, helpers = (
        function.overloads[function.signatures[0]].library
        for function in (add_to_rows.dispatcher, _add)
    )
    assert kernels._finalized and not helpers._finalized


def test_functions_compiled_in_numbas_way_may_call_helpers():
    @numba.njit
    def plain(x):
        _add(x, 2.0)

    x = np.zeros(3)
    plain(x)
    assert np.array_equal(x, [0.0, 2.0, 4.0])


# -- CUDA --------------------------------------------------------------------------

PROGRAM = """
import hashlib
from numba.cuda.serialize import dumps
from convnet.backends.cuda.gemm.epilogue import _kernels
from convnet.backends.cuda.gemm.kernel import Variant, product_kernel
made = [_kernels("tanh")[4], product_kernel(Variant(0, 4, 2, 4, 4, 128, 128, 1, "relu"))]
for kernel in made:  # as numba.cuda.core.caching.Cache._index_key
    cells = tuple(cell.cell_contents for cell in kernel.function.__closure__)
    print(kernel.function.__qualname__, hashlib.sha256(dumps(cells)).hexdigest())
    print(kernel.dispatcher._cache._cache_file.source)
"""


def test_keys_are_the_same_in_every_process():
    pytest.importorskip("numba.cuda.extending")
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    )  # fmt: skip
    assert first == second and len(first.splitlines()) == 4


def test_a_folder_outside_the_package_is_digested_as_a_whole(tmp_path):
    (tmp_path / "tiles.py").write_text("one")
    before = digest(tmp_path)
    (tmp_path / "tiles.py").write_text("two")
    assert digest(tmp_path) != before


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "old form"])
def test_a_damaged_file_is_not_loaded_and_is_replaced(tmp_path, damage, monkeypatch):
    kernel_files(tmp_path).save("key", "code")
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    changed = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]
    path.write_bytes({"empty": b"", "cut": whole[:-1], "changed": changed}.get(damage, whole[32:]))
    with monkeypatch.context() as patched:
        patched.setattr(kernel_cache.pickle, "loads", None)  # nothing is unpickled
        assert kernel_files(tmp_path).load("key") is None
    kernel_files(tmp_path).save("key", "code")
    assert kernel_files(tmp_path).load("key") == "code" and path.read_bytes() == whole


def test_a_file_of_another_user_is_not_loaded(tmp_path, monkeypatch):
    kernel_files(tmp_path).save("key", "code")
    owner = kernel_cache.os.geteuid()
    assert kernel_cache._is_trusted(owner) and kernel_cache._is_trusted(0)
    assert not kernel_cache._is_trusted(54_321)
    monkeypatch.setattr(kernel_cache, "_is_trusted", lambda owner: False)
    assert kernel_files(tmp_path).load("key") is None


def test_the_private_folder_is_this_users_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(private_folder.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(private_folder.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    find = private_folder.private_folder.__wrapped__
    folder = find()
    assert folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
    assert f"compiled kernels are kept in {folder}" in capsys.readouterr().err
    assert find() == folder  # the same for every process
    folder.chmod(0o777)
    other = find()
    assert other != folder and other.stat().st_mode & 0o777 == 0o700
