"""Finding checkpoints in folders."""

import re
from contextlib import suppress
from pathlib import Path

from convnet.checkpoint.contents import SUFFIX
from convnet.checkpoint.read import bad, read_header
from convnet.errors import CheckpointError

BEST = "best" + SUFFIX
_NUMBERED = re.compile(r"\d{1,12}\.\d{1,12}" + re.escape(SUFFIX))


def newest(path: str | Path) -> Path:
    """Return the checkpoint that was saved last in a run's folder, or in a folder of runs.

    The path of a file is returned as it is.  Damaged files are skipped as long as there is an
    undamaged one.  CheckpointError if there is none.
    """
    path = Path(path)
    try:
        return path if path.is_file() else _newest_of(path)
    except OSError as error:
        raise bad(path, f"cannot be read ({error.strerror})") from None


def _newest_of(path: Path) -> Path:
    if not path.is_dir():
        raise bad(path, "there is no such file or folder")
    folders = [path] if _candidates(path) else [p for p in path.iterdir() if p.is_dir()]
    found = [found for folder in folders if (found := _newest_in(folder))]
    if found:
        return max(found)[-1]
    damaged = [name for folder in folders for name in _candidates(folder)]
    if damaged:
        read_header(damaged[0])  # raises the reason
    raise bad(path, "contains no checkpoint; `convnet train` writes them")


def numbered(folder: Path) -> dict[Path, int]:
    """Return the number of the save of each undamaged checkpoint but the best."""
    found = {}
    for path in _candidates(folder):
        with suppress(CheckpointError):
            if path.name != BEST:
                found[path] = read_header(path)["number"]
    return found


def _newest_in(folder: Path) -> tuple[str, Path] | None:
    """Return (when it was saved, path) of the newest undamaged checkpoint, or None."""
    numbers = numbered(folder)
    path = max(numbers, key=numbers.__getitem__) if numbers else folder / BEST
    with suppress(CheckpointError):
        return read_header(path)["created"], path
    return None


def _candidates(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if _NUMBERED.fullmatch(path.name) or path.name == BEST
    )
