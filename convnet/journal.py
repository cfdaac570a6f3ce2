"""The journal of a run: JSON lines, one record for each event, only ever appended.

Plots, tables and progress displays read it.  A resumed run appends to the same file.  Records that
earlier attempts wrote beyond the step that it resumes from no longer count, so a reader sees one
curve.
"""

import fcntl
import json
import os
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from convnet.errors import ConvnetError
from convnet.language import harmless
from convnet.stored.files import plain_file
from convnet.stored.records import Count, Finite, Words, violation

FILE_NAME = "journal.jsonl"
BEGINNINGS = ("start", "resume")  # events after which older records of later steps do not count
Record = dict[str, Any]
_LONGEST = 1 << 20  # bytes of a line; those of the largest nets take some ten thousand
_TORN = "it is not valid JSON"


class Line(msgspec.Struct):
    """What readers use of a record.  Those of each event have further fields."""

    event: Words
    step: Count
    epoch: Finite = 0.0
    costs: dict[Words, dict[Words, Finite | None]] = {}
    layers: Words = ""
    data: Words = ""


class Journal:
    """Appends records to a file; without a path it writes nothing.

    An open journal is locked: no other process can open it, so two runs never share a folder.

    Parameters:
        path: The file, which is made if it is missing; None for no file.

    Raises:
        ConvnetError: If the file cannot be written, or another process has it open.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._file = None if self.path is None else _open_locked(self.path)

    def write(self, event: str, step: int, **facts: Any) -> Record:
        """Append a record and return it.

        Parameters:
            event: What happened.
            step: Minibatches trained when it happened.
            facts: Further entries of the record, as JSON can write them.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = {"event": event, "step": step, **facts, "time": time}
        if self._file is not None:
            line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
            with _readable_errors(self.path):
                self._file.write(line.encode("utf-8", "replace"))
        return record

    def sync(self) -> None:
        """Wait until all records are on the disk."""
        if self._file is not None:
            with _readable_errors(self.path):
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and release its lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def of_checkpoint(path: str | Path) -> Path:
    """Return the journal of a checkpoint's run.

    An imported checkpoint has one of its own beside it, `<name>.journal.jsonl`; others belong to
    the run of their folder.
    """
    path = Path(path)
    own = path.with_name(f"{path.stem}.{FILE_NAME}")
    return own if own.is_file() else path.with_name(FILE_NAME)


def read(path: str | Path, warn: Callable[[str], object] = warnings.warn) -> list[Record]:
    """Return the records of a journal, in the order of their steps.

    Superseded records are left out, and so are lines that are no records.

    Parameters:
        path: A journal, or the folder of a run.
        warn: Called with one message if there are such lines, apart from those that were cut off
            when a process was killed.

    Raises:
        DataError: If there is no such file, or it cannot be read.
    """
    path = Path(path)
    path = path / FILE_NAME if os.path.isdir(path) else path
    records: list[Record] = []
    bad: list[tuple[int, str]] = []  # lines that are no records, and why
    torn: list[tuple[int, str]] = []  # lines just read that a kill may have cut off
    for number, line in enumerate(_lines(path), 1):
        record, problem = _parse(line)
        if record is None:
            (torn if problem == _TORN else bad).append((number, problem))
            continue
        if record["event"] not in BEGINNINGS:  # a run that was killed wrote nothing more
            bad += torn
        torn = []
        _append(records, record)
    if bad:
        number, problem = min(bad)
        more = f" (and {len(bad) - 1:,} more lines are)" if len(bad) > 1 else ""
        warn(f"{harmless(str(path))}:{number}: is damaged and passed over{more}: {problem}")
    return records


def _open_locked(path: Path) -> FileIO:
    with _readable_errors(path):
        file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_last_line(file)
        except BlockingIOError:
            file.close()
            folder = harmless(str(path.parent))
            raise ConvnetError(
                f"{folder}: another process is training there; give another folder (--save)"
            ) from None
        except OSError:
            file.close()
            raise
        return file


def _append(records: list[Record], record: Record) -> None:
    if record["event"] in BEGINNINGS:
        while records and records[-1]["step"] > record["step"]:
            records.pop()
    records.append(record)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that are complete; of those that are too long, only the beginning."""
    with plain_file(path) as (file, _):
        while line := file.readline(_LONGEST):
            whole = line.endswith(b"\n")
            while not whole and (rest := file.readline(_LONGEST)):
                whole = rest.endswith(b"\n")
            if whole:
                yield line


def _parse(line: bytes) -> tuple[Record | None, str]:
    """Return the record of a line, or None and what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, _TORN
    problem = violation(record, Line)
    return (None, problem) if problem else (record, "")


def _end_last_line(file: FileIO) -> None:
    """End a line that was cut off, so that the next record begins on a line of its own."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.write(b"\n")


class _readable_errors:
    """Context that turns a failure to write into a ConvnetError of one line."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError):
            reason = (error.strerror or str(error)).lower()
            where = harmless(str(self.path))
            raise ConvnetError(f"{where}: the journal cannot be written ({reason})") from None
