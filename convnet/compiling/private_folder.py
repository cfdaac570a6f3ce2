"""Where compiled kernels are kept if neither the package's folder nor the home can be written."""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def private_folder() -> Path | None:
    """Return a folder among the temporary files that only this user can use, and say so on stderr.

    It is the same in every process of a user.  If someone else has its name, a new folder is made,
    which is removed when the process ends.  None if no temporary files can be written: then kernels
    are compiled each time.
    """
    try:
        folder = _shared(Path(tempfile.gettempdir())) or _own()
    except OSError:
        folder = None
    if "NUMBA_CACHE_DIR" not in os.environ or not folder:
        place = f"are kept in {folder}" if folder else "are not kept: each run compiles them anew"
        tell(
            "neither the package's folder nor a cache folder in your home can be written: "
            f"compiled kernels {place} (NUMBA_CACHE_DIR names another folder)"
        )
    if folder:
        os.environ["NUMBA_CACHE_DIR"] = str(folder)  # for the processes that this one starts
    return folder


@cache  # each line once
def tell(line: str) -> None:
    """Print a note on stderr; nothing if that cannot be written."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"note: {line}\n")


def _shared(parent: Path) -> Path | None:
    """The folder of all processes of this user; None if it is not this user's alone."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = parent / f"convnet-kernels-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    own = user in (status.st_uid, "user") and not status.st_mode & 0o077
    return folder if own and stat.S_ISDIR(status.st_mode) else None


def _own() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="convnet-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
