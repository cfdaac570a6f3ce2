"""Compiled kernels on disk: one file for each kernel and the types of its arguments.

Numba's own cache has an index for each kernel, which it reads, changes and writes without a lock:
two processes that save at the same time lose entries, or load another kernel's code.  Here a file's
name says what the file holds, and a file appears as a whole, so processes need not wait.

Numba invalidates a cached kernel when the kernel's own source file changes.  Here the name includes
a digest of all sources that may be compiled into the kernel: those of its package, and those of the
packages whose helpers and constants other packages may use.

A file begins with the SHA-256 of the rest, which is verified before anything is unpickled: LLVM
aborts the process if machine code is damaged.  Files of other users are not loaded.
"""

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numba

from convnet.compiling.private_folder import private_folder, tell
from convnet.stored.files import open_regular

Compiled = TypeVar("Compiled")

_ROOT = Path(__file__).parents[1]
_SHARED = _ROOT / "compiling", _ROOT / "operations", _ROOT / "backends" / "cpu"


def keep(compiled, function: Callable, versions: tuple = ()) -> None:
    """Make a Numba dispatcher or callback, with caching enabled, use `KernelFiles`.

    versions: of compilers other than Numba's own, which it does not look at.
    """
    folder, numbas = Path(function.__code__.co_filename).parent, compiled._cache
    numbas._cache_file = KernelFiles(numbas._cache_file, source_digest(folder, versions))
    numbas._save_overload = partial(_save_if_possible, numbas._save_overload)


def with_cache(
    make: Callable[[], Compiled], without: Callable[[], Compiled], config: ModuleType
) -> tuple[Compiled, bool]:
    """Return make(), a dispatcher with caching enabled, and True.

    Numba finds no place for the cache where neither the package nor the home can be written: then
    it is in a private temporary folder, or there is none: without() and False.  config: Numba's.
    """
    try:
        return make(), True
    except RuntimeError as problem:
        if "no locator available" not in str(problem):
            raise
    folder = private_folder()
    if folder is None:
        return without(), False
    config.CACHE_DIR = str(folder)
    return make(), True


def _save_if_possible(save: Callable, *arguments) -> None:
    """Save a kernel; if the disk is full or the folder gone, it is compiled again next time."""
    try:
        save(*arguments)
    except OSError as problem:
        place = f" in {Path(problem.filename).parent}" if problem.filename else ""
        tell(f"compiled kernels cannot be kept{place}: {problem.strerror}")


@cache
def source_digest(folder: Path, versions: tuple = ()) -> str:
    """Return a digest of the compilers' versions and of the sources that kernels depend on."""
    digest = hashlib.sha256(repr((numba.__version__, *versions)).encode())
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
        """Return what was saved for a key; None if nothing was, or from other sources.

        None too if the file is damaged or another user's: the kernel is compiled anew and replaces
        it.
        """
        try:
            content = _trusted_content(self._path(f"{self._prefix(key)}.{self.source}.nbc"))
            found, data = pickle.loads(content) if content else (None, None)
        except OSError:
            return None
        except Exception:  # whole, but of another version of a library that it names
            return None
        return data if found == key else None

    def save(self, key, data) -> None:
        """Save a kernel's code, and remove the code that older sources left for the same key."""
        name = f"{self._prefix(key)}.{self.source}.nbc"
        content = self._numbas._dump((key, data))
        with self._numbas._open_for_write(self._path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)
        self._remove(f"{self._prefix(key)}.*.nbc", name)

    def flush(self) -> None:
        """Remove all files of the kernel."""
        self._remove(f"{self._base}.*.nbc", "")

    def _path(self, name):
        return os.path.join(self._numbas._cache_path, name)

    def _prefix(self, key):
        return f"{self._base}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"

    def _remove(self, pattern, but):
        for path in Path(self._numbas._cache_path).glob(pattern):
            if path.name != but:
                path.unlink(missing_ok=True)


def _trusted_content(path: str) -> bytes | None:
    """Return what follows the digest; None if it differs, or if the file may not be trusted."""
    with open_regular(path) as file:
        if not _is_trusted(os.fstat(file.fileno()).st_uid):
            return None
        digest, content = file.read(hashlib.sha256().digest_size), file.read()
    return content if hashlib.sha256(content).digest() == digest else None


def _is_trusted(owner: int) -> bool:
    """Whether a file is this user's, root's, or of whoever owns the program itself."""
    if not hasattr(os, "geteuid"):
        return True
    return owner in (os.geteuid(), 0, os.stat(__file__).st_uid)
