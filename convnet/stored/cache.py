"""What is computed once and kept for later runs, in a folder of the user's for such files.

Nothing that is kept is needed: what is missing, damaged or of another version is computed again.
"""

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from convnet.stored.files import read_regular, replacing

VARIABLE = "CONVNET_CACHE"  # names another folder
_MOST_FILES = 200  # of a kind; the least recently used ones are removed
_LARGEST = 256 << 20  # bytes of a file
_DIGEST = 64  # characters of a SHA-256, at the beginning of each file


def cache_folder() -> Path:
    """Return the folder; it need not exist."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "convnet"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convnet"


def kept(kind: str, key: str) -> bytes | None:
    """Return what was kept under a key; None if nothing was, or if it is damaged."""
    try:
        path = _path(kind, key)
        stored = read_regular(path, _LARGEST)
        os.utime(path)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    content = stored[_DIGEST:]
    return content if stored[:_DIGEST] == _digest(content) else None


def keep(kind: str, key: str, content: bytes) -> str:
    """Keep some bytes under a key; return why they cannot be kept, or ""."""
    try:
        path = _path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(_digest(content) + content)
        _remove_old(path.parent)
    except OSError as problem:
        return f"{problem.filename or cache_folder()}: {problem.strerror}"
    except RuntimeError as problem:
        return str(problem)
    return ""


def _path(kind: str, key: str) -> Path:
    return cache_folder() / kind / key


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _remove_old(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) > _MOST_FILES:
        files.sort(key=lambda path: path.stat().st_mtime)
        for path in files[:-_MOST_FILES]:
            with suppress(OSError):
                path.unlink()
