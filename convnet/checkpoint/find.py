"""Finding checkpoints in folders."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from convnet.checkpoint.contents import SUFFIX, Checkpoint
from convnet.checkpoint.read import bad, load, read_header, shown
from convnet.errors import CheckpointError

BEST = "best" + SUFFIX
_JOURNAL = "journal.jsonl"  # `convnet.journal.FILE_NAME`, which lies above
_NUMBERED = re.compile(r"\d{1,12}\.\d{1,12}" + re.escape(SUFFIX))


class Found(NamedTuple):
    """A checkpoint that was found and read.  passed_over: damaged newer ones, and why."""

    path: Path
    checkpoint: Checkpoint
    passed_over: dict[Path, str]


def newest(path: str | Path) -> Path:
    """Return the checkpoint that was saved last in a run's folder, or in a folder of runs.

    The path of a file is returned as it is.  Only headers are read: files whose header is damaged
    are skipped as long as there is another.  CheckpointError if there is none.
    """
    return _newest_first(Path(path))[0]


def load_newest(path: str | Path, *, for_test: bool = False) -> Found:
    """Return the newest checkpoint of a folder whose arrays are undamaged too, or that of a file.

    for_test: as in `load`.  CheckpointError if there is none.
    """
    paths, passed_over = _newest_first(Path(path)), dict[Path, str]()
    for each in paths:
        try:
            return Found(each, load(each, for_test=for_test), passed_over)
        except CheckpointError as error:
            passed_over[each] = str(error)
    if len(paths) == 1:
        raise CheckpointError(passed_over[paths[0]])
    raise CheckpointError(
        "\n".join([*passed_over.values(), f"{shown(path)}: all its checkpoints are damaged"])
    )


def has_checkpoint(folder: Path) -> bool:
    """Return whether a folder contains checkpoints, be they damaged."""
    return folder.is_dir() and bool(_candidates(folder))


def _newest_first(path: Path) -> list[Path]:
    """Return the checkpoints with a whole header, the newest first; a file alone."""
    try:
        return [path] if path.is_file() else _newest_of(path)
    except OSError as error:
        raise bad(path, f"cannot be read ({error.strerror})") from None


def _newest_of(path: Path) -> list[Path]:
    if not path.is_dir():
        is_there = path.exists()
        raise bad(path, "is no plain file" if is_there else "there is no such file or folder")
    folders = [path] if _candidates(path) else [p for p in path.iterdir() if p.is_dir()]
    found = sorted((run for folder in folders if (run := _in_run(folder))), reverse=True)
    if found:
        return [each for _, paths in found for each in paths]
    damaged = [name for folder in folders for name in _candidates(folder)]
    if damaged:
        read_header(damaged[0])  # raises the reason
    if (path / _JOURNAL).exists():
        raise bad(
            path,
            "contains no checkpoint: its run ended before the first save. Repeat the command that "
            "started it, with --save and this folder, to start it anew",
        )
    raise bad(path, "contains no checkpoint; `convnet train` writes them")


def numbered(folder: Path) -> dict[Path, int]:
    """Return the number of the save of each undamaged checkpoint but the best."""
    found = {}
    for path in _candidates(folder):
        with suppress(CheckpointError):
            if path.name != BEST:
                found[path] = read_header(path)["number"]
    return found


def _in_run(folder: Path) -> tuple[str, list[Path]] | None:
    """Return (when the newest was saved, the checkpoints of a run, newest first), or None."""
    numbers = numbered(folder)
    paths = sorted(numbers, key=numbers.__getitem__, reverse=True)
    with suppress(CheckpointError):
        read_header(folder / BEST)
        paths.append(folder / BEST)
    return (read_header(paths[0])["created"], paths) if paths else None


def _candidates(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if _NUMBERED.fullmatch(path.name) or path.name == BEST
    )
