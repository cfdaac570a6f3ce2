"""The journal of a run: JSON lines, one record an event, appended for ever.

Plots, tables and progress displays are readers of it.  A resumed run appends to the same file; what
earlier attempts did beyond the step it resumed from is superseded, so a reader sees one curve.
"""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from convnet.errors import ConvnetError, DataError
from convnet.language import harmless

FILE_NAME = "journal.jsonl"
BEGINNINGS = ("start", "resume")  # events from whose step on older records no longer count


class Journal:
    """Appends records to a file; without a path, to nowhere.

    While it is open no other process can open it, so two runs never share a folder.
    """

    def __init__(self, path: str | Path | None):
        self.path = None if path is None else Path(path)
        self._file = None if path is None else self._open()

    def _open(self):
        with _readable_errors(self.path):
            file = self.path.open("a+b", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_torn_line(file)
            except BlockingIOError:
                file.close()
                folder = harmless(str(self.path.parent))
                raise ConvnetError(
                    f"{folder}: another process is training there; give another folder (--save)"
                ) from None
            except OSError:
                file.close()
                raise
            return file

    def write(self, event: str, step: int, **facts) -> dict:
        """Append a record and return it.  step: minibatches trained when it happened."""
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
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read(path: str | Path) -> list[dict]:
    """The records of a journal, or of the journal in a run's folder, in the order of their steps.

    Superseded records are left out.  A line torn by a kill is passed over; other lines that are no
    records raise DataError, as does a missing file.
    """
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{harmless(str(path))}: cannot be read ({reason})") from None
    lines.pop()  # empty, or torn
    records = []
    for number, line in enumerate(lines):
        record = _parse(line)
        if record is not None:
            _append(records, record)
        elif not _torn(lines[number:]):
            raise DataError(f"{harmless(str(path))}:{number + 1}:1: is no record of a journal")
    return records


def _append(records, record):
    if record["event"] in BEGINNINGS:
        while records and records[-1]["step"] > record["step"]:
            records.pop()
    records.append(record)


def _torn(lines):
    """Whether the first of these lines may have been torn by a kill: then the run ended there, and
    nothing follows, or the beginning of another attempt."""
    after = next((record for line in lines if (record := _parse(line))), None)
    return after is None or after["event"] in BEGINNINGS


def _parse(line):
    """The record of a line, or None."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(record, dict) and isinstance(record.get("event"), str)
    return record if whole and isinstance(record.get("step"), int) else None


def _end_torn_line(file):
    """Let the next record begin on a line of its own."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.write(b"\n")


class _readable_errors:
    """Context: a file that cannot be written is the user's problem, told in a line."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, OSError):
            reason = (error.strerror or str(error)).lower()
            where = harmless(str(self.path))
            raise ConvnetError(f"{where}: the journal cannot be written ({reason})") from None
