"""One folder of compiled kernels for several processes at once.

Numba reads an index, adds an entry and writes it back, without a lock: two processes that save at
the same time can lose an entry, or give one kernel's file to another.  A lock keeps them apart.
"""

import fcntl
import os
import tempfile
from importlib import import_module
from pathlib import Path

MODULES = ("numba.core.caching", "numba.cuda.core.caching")


def share_caches() -> None:
    """Let this process save compiled kernels only while no other does."""
    folder = os.environ.get("NUMBA_CACHE_DIR", tempfile.gettempdir())
    Path(folder).mkdir(parents=True, exist_ok=True)
    seen = set()
    for name in MODULES:
        try:
            kind = import_module(name).IndexDataCacheFile
        except (ImportError, AttributeError):
            continue  # the simulator, or another version: nothing is shared then
        if kind not in seen:
            seen.add(kind)
            kind.save = locked(kind.save, Path(folder) / "lock")


def locked(function, path: Path):
    """The function, run while no other process runs it."""

    def run(*arguments):
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            return function(*arguments)

    return run
