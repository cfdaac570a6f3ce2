"""Compiled kernels on disk: one file for each kernel and the types of its arguments.

Numba's own cache has an index for each kernel, which it reads, changes and writes without a lock:
two processes that save at the same time lose entries, or load another kernel's code.  Here a file's
name says what the file holds, and a file appears as a whole, so processes need not wait.

Numba invalidates a cached kernel when the kernel's own source file changes.  Here the name includes
a digest of all sources that may be compiled into the kernel: those of its package, and those of the
packages whose helpers and constants other packages may use.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba

_ROOT = Path(__file__).parents[1]
_SHARED = _ROOT / "compiling", _ROOT / "operations", _ROOT / "backends" / "cpu"


def keep(compiled, function: Callable) -> None:
    """Make a Numba dispatcher or callback, with caching enabled, use `KernelFiles`."""
    folder = Path(function.__code__.co_filename).parent
    compiled._cache._cache_file = KernelFiles(compiled._cache._cache_file, source_digest(folder))


@cache
def source_digest(folder: Path) -> str:
    """Return a digest of Numba's version and of the sources that a folder's kernels depend on."""
    digest = hashlib.sha256(numba.__version__.encode())
    for package in (_package(folder), *_SHARED):
        for file in sorted(package.rglob("*.py")):
            digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _package(folder):
    """The part of convnet that a folder belongs to (data, backends/cuda), or the folder itself."""
    if not folder.is_relative_to(_ROOT):
        return folder
    names = folder.relative_to(_ROOT).parts
    return _ROOT.joinpath(*names[: 2 if names[0] == "backends" else 1])


class KernelFiles:
    """The files of one kernel; replaces Numba's IndexDataCacheFile, which reads and writes them.

    numbas: the replaced object.  source: the digest of the sources.  A key of `load` and `save`
    holds the types of the arguments, the processor, and the values that the kernel encloses.
    """

    def __init__(self, numbas, source: str):
        self._numbas, self.source = numbas, source
        self._base = numbas._index_name.removesuffix(".nbi")

    def load(self, key):
        """Return what was saved for a key; None if nothing was, or from other sources."""
        try:
            found, data = self._numbas._load_data(f"{self._prefix(key)}.{self.source}.nbc")
        except OSError:
            return None
        return data if found == key else None

    def save(self, key, data) -> None:
        """Save a kernel's code, and remove the code that older sources left for the same key."""
        name = f"{self._prefix(key)}.{self.source}.nbc"
        self._numbas._save_data(name, (key, data))
        self._remove(f"{self._prefix(key)}.*.nbc", name)

    def flush(self) -> None:
        """Remove all files of the kernel."""
        self._remove(f"{self._base}.*.nbc", "")

    def _prefix(self, key):
        return f"{self._base}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"

    def _remove(self, pattern, but):
        for path in Path(self._numbas._cache_path).glob(pattern):
            if path.name != but:
                path.unlink(missing_ok=True)
