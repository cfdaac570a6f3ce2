"""Compiled kernels on disk, a file for each kernel and the types of its arguments.

Numba's own files are named by an index, which it reads, changes and writes without a lock: two
processes that save at the same time lose entries, or find another kernel's code under a name.  Here
the name says what is inside, a file appears as a whole, and nobody needs to wait.  It also says of
which source files the kernel was made, where Numba sees only the kernel's own: all of its package,
and of the packages whose pieces kernels elsewhere may use.
"""

import hashlib
from functools import cache
from pathlib import Path

import numba

_ROOT = Path(__file__).parents[1]
_SHARED = _ROOT / "compiling", _ROOT / "backends" / "cpu"


def keep(compiled, function) -> None:
    """Let a dispatcher or callback of Numba, whose cache is enabled, keep its kernels this way."""
    folder = Path(function.__code__.co_filename).parent
    compiled._cache._cache_file = KernelFiles(compiled._cache._cache_file, sources(folder))


@cache
def sources(folder: Path) -> str:
    """A digest of the sources of a folder's package and the shared ones, and of Numba's version."""
    found = hashlib.sha256(numba.__version__.encode())
    for package in (_package(folder), *_SHARED):
        for file in sorted(package.rglob("*.py")):
            found.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:16]


def _package(folder):
    """The part of convnet that a folder belongs to (data, backends/cuda), or the folder itself."""
    if not folder.is_relative_to(_ROOT):
        return folder
    names = folder.relative_to(_ROOT).parts
    return _ROOT.joinpath(*names[: 2 if names[0] == "backends" else 1])


class KernelFiles:
    """The files of one kernel; stands in for Numba's IndexDataCacheFile, which reads and writes.

    A key tells the types of arguments, the processor and the values that the kernel encloses.
    """

    def __init__(self, numbas, source: str):
        self._numbas, self.source = numbas, source
        self._base = numbas._index_name.removesuffix(".nbi")

    def load(self, key):
        """What was saved for a key; None if nothing was, or by other source files."""
        try:
            found, data = self._numbas._load_data(f"{self._prefix(key)}.{self.source}.nbc")
        except OSError:
            return None
        return data if found == key else None

    def save(self, key, data) -> None:
        """The newest source's kernel replaces those of older ones."""
        name = f"{self._prefix(key)}.{self.source}.nbc"
        self._numbas._save_data(name, (key, data))
        self._remove(f"{self._prefix(key)}.*.nbc", name)

    def flush(self) -> None:
        self._remove(f"{self._base}.*.nbc", "")

    def _prefix(self, key):
        return f"{self._base}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"

    def _remove(self, pattern, but):
        for path in Path(self._numbas._cache_path).glob(pattern):
            if path.name != but:
                path.unlink(missing_ok=True)
