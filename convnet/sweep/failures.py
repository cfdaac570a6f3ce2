"""Which runs of a sweep failed, as `failures.json` in its folder records it."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from convnet.errors import DataError
from convnet.stored.files import plain_bytes, reason, replacing
from convnet.stored.records import from_json

FILE_NAME = "failures.json"
_MOST = 1 << 26


class Failure(msgspec.Struct):
    """How a run's process ended: its exit code, -9 for SIGKILL; and its last line."""

    exit_code: int
    reason: str


@dataclass
class Failures:
    """The failures of a sweep, by the names of runs."""

    folder: Path
    found: dict[str, Failure] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Failures":
        """Return the failures that a folder records.  DataError if the file is damaged."""
        path = folder / FILE_NAME
        if not path.exists():
            return cls(folder)
        kind = dict[str, Failure]
        advice = "remove it: the runs that failed are started again"
        return cls(folder, from_json(plain_bytes(path, _MOST), kind, path, advice=advice))

    def add(self, name: str, failure: Failure) -> None:
        """Record that a run failed.  DataError if the file cannot be written."""
        self.found[name] = failure
        self._write()

    def forget(self, name: str) -> None:
        """Record that a run is started again."""
        if self.found.pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        try:
            with replacing(self.folder / FILE_NAME) as temporary:
                temporary.write_bytes(msgspec.json.encode(self.found))
        except OSError as error:
            path = self.folder / FILE_NAME
            raise DataError(f"{path}: cannot be written ({reason(error)})") from None
