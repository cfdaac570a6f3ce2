"""The events of a journal that say when a run began and how it ended, without its many others."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from convnet.errors import DataError
from convnet.journal import BEGINNINGS, FILE_NAME
from convnet.stored.files import plain_file

_LONGEST = 1 << 20  # bytes of a line
_BEGINS = tuple(f'{{"event": "{event}"'.encode() for event in BEGINNINGS)


@dataclass(frozen=True)
class Events:
    """first: the record of the start.  last: the last one.  seconds: between start and end of all
    attempts together."""

    first: dict[str, Any]
    last: dict[str, Any]
    seconds: float


def read_events(folder: Path) -> Events | None:
    """Return the events of a run's journal; None if it has none that can be read.

    Only the first and the last record of each attempt are parsed, so that a journal of a hundred
    thousand records takes a fraction of a second.
    """
    attempts: list[tuple[dict[str, Any], dict[str, Any]]] = []
    try:
        for begin, end in _attempts(folder / FILE_NAME):
            first, last = _parsed(begin), _parsed(end)
            if first is not None:
                attempts.append((first, last or first))
    except (OSError, DataError):
        return None
    if not attempts:
        return None
    seconds = sum(seconds_between(first, last) for first, last in attempts)
    return Events(attempts[0][0], attempts[-1][1], seconds)


def _attempts(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the first and the last whole line of each attempt."""
    begin = last = b""
    with plain_file(path) as (file, _):
        while line := file.readline(_LONGEST):
            if not line.endswith(b"\n"):
                continue
            if line.startswith(_BEGINS):
                if begin:
                    yield begin, last
                begin = line
            last = line
    if begin:
        yield begin, last


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def seconds_between(first: dict[str, Any], last: dict[str, Any]) -> float:
    """Return the seconds from one record to another; 0 if one of them does not tell its time."""
    begin, end = moment(first), moment(last)
    return max(0.0, (end - begin).total_seconds()) if begin and end else 0.0


def moment(record: dict[str, Any]) -> datetime | None:
    """Return when a record was written; None if it does not say so."""
    try:
        found = datetime.fromisoformat(record["time"])
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.tzinfo else None
