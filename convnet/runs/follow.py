"""The journal and the checkpoints of a run that may be going on: all that is new is read once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from convnet import checkpoint
from convnet.checkpoint.contents import SUFFIX
from convnet.journal import BEGINNINGS
from convnet.runs.events import Events, seconds_between
from convnet.runs.saved import Saved
from convnet.stored.files import plain_file
from convnet.stored.records import Count, Finite, Words

_CHUNK = 16 << 20  # bytes read at a time; a line is at most as long


class Entry(msgspec.Struct):
    """A record of the journal, with what pages show of it; see `convnet.journal.Line`."""

    event: Words
    step: Count
    epoch: Finite | None = None
    costs: dict[Words, dict[Words, Finite | None]] = {}
    rates: Any = None
    lines: Any = None
    divided_by: Any = 10
    time: Any = None
    layers: Words = ""
    data: Words = ""
    reason: Any = ""

    @property
    def begins(self) -> bool:
        """Whether an attempt begins here; records of later steps before it no longer count."""
        return self.event in BEGINNINGS


class FollowedJournal:
    """The records of a journal, each parsed once.

    Parameters:
        path: The file.
        on_entry: Called with each new record, those that are superseded later too.
        on_restart: Called before the first record again, if the file was replaced or cut.

    Attributes:
        damaged: Lines that are no records, apart from those that were cut off by a kill.
    """

    def __init__(
        self, path: Path, on_entry: Callable[[Entry], object], on_restart: Callable[[], object]
    ) -> None:
        self.path, self._on_entry, self._on_restart = path, on_entry, on_restart
        self._decode = msgspec.json.Decoder(Entry).decode
        self._place: tuple[int, int] | None = None  # device and inode of the file
        self._seen = self._done = 0  # bytes: its size when it was read, and those of whole lines
        self.damaged = self._cut_off = 0

    def read(self) -> bool:
        """Read the lines that are new and complete; return whether there were any.

        Also if what was read before no longer counts.  DataError if the file cannot be read.
        """
        if self._is_unchanged():
            return False
        with plain_file(self.path) as (file, size):
            status = os.fstat(file.fileno())
            place = status.st_dev, status.st_ino
            is_new = self._place is not None and (self._place != place or size < self._done)
            if is_new:
                self._on_restart()
                self._done = self.damaged = self._cut_off = 0
            self._place, self._seen, before = place, size, self._done
            file.seek(self._done)
            while chunk := file.read(_CHUNK):
                end = chunk.rfind(b"\n") + 1
                if not end and len(chunk) < _CHUNK:  # the last line is not complete yet
                    break
                self._done += end or len(chunk)
                for line in chunk[: end or len(chunk)].removesuffix(b"\n").split(b"\n"):
                    self._add(line)
                file.seek(self._done)
        return is_new or self._done > before

    def _is_unchanged(self) -> bool:
        try:
            found = os.stat(self.path)
        except OSError:
            return False  # reading says why
        return self._place == (found.st_dev, found.st_ino) and self._seen == found.st_size

    def _add(self, line: bytes) -> None:
        try:
            entry = self._decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            self.damaged += 1
            self._cut_off += 1
            return
        if entry.begins:  # a run that was killed wrote nothing more
            self.damaged -= self._cut_off
        self._cut_off = 0
        self._on_entry(entry)


class Attempts:
    """When the attempts of a run began and ended, from its records."""

    def __init__(self) -> None:
        self._first: Entry | None = None
        self._begin: Entry | None = None
        self._last: Entry | None = None
        self._seconds = 0.0  # of the attempts before this one

    def add(self, entry: Entry) -> None:
        """Take the next record."""
        if entry.begins:
            self._seconds += self._of_this()
            self._begin = entry
            self._first = self._first or entry
        self._last = entry

    def events(self) -> Events | None:
        """Return what `read_events` returns for the whole journal."""
        if self._first is None or self._last is None:
            return None
        facts = msgspec.structs.asdict
        return Events(facts(self._first), facts(self._last), self._seconds + self._of_this())

    def _of_this(self) -> float:
        if self._begin is None or self._last is None:
            return 0.0
        return seconds_between({"time": self._begin.time}, {"time": self._last.time})


class FollowedCheckpoint:
    """The newest checkpoint of a run's folder, read once after each save."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listing: list[tuple[str, int, int]] | None = None
        self._known: tuple[object, ...] | None = None

    def read(self) -> Saved | None:
        """Return it if it is newer than the last one that was read, else None; without velocities.

        CheckpointError if there is none, or none that is undamaged.
        """
        listing = _listing(self._folder)
        if listing == self._listing:
            return None
        self._listing = listing
        newest = checkpoint.newest(self._folder)  # reads headers
        try:
            status = os.stat(newest)
        except OSError:  # a save has just removed it
            self._listing = None
            return None
        known = newest, status.st_ino, status.st_mtime_ns, status.st_size
        if known == self._known:
            return None
        self._known = known
        return Saved.of(checkpoint.load_newest(self._folder, for_test=True))


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    """Names, times and sizes of the checkpoints in a folder."""
    found = []
    try:
        for entry in os.scandir(folder):
            if entry.name.endswith(SUFFIX):
                status = entry.stat()
                found.append((entry.name, status.st_mtime_ns, status.st_size))
    except OSError:  # a file was removed meanwhile, or the folder is gone; the next look tells
        return []
    return sorted(found)
