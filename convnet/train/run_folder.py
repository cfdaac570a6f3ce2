"""The folder of a run: its journal, and its checkpoints, the last few and the best."""

import os
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from convnet.checkpoint import (
    BEST,
    Checkpoint,
    is_temporary,
    numbered,
    save,
    temporary_name,
)
from convnet.errors import CheckpointError
from convnet.journal import FILE_NAME
from convnet.language import harmless
from convnet.stored.files import replacing


class RunFolder:
    """A folder that is created if it is missing.

    keep: how many of the last checkpoints to keep; None keeps all.  saves: number of the last save.
    """

    def __init__(self, path: str | Path, keep: int | None = 2):
        self.path, self.keep = Path(path), keep
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            numbers = numbered(self.path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CheckpointError(
                f"{harmless(str(path))}: cannot be used as the folder of a run ({reason})"
            ) from None
        self.saves = max(numbers.values(), default=0)

    @property
    def journal_path(self) -> Path:
        return self.path / FILE_NAME

    @property
    def holds_a_run(self) -> bool:
        """Return whether the folder contains a journal or checkpoints."""
        return self.journal_path.exists() or bool(numbered(self.path))

    def continue_journal(self, imported: Path) -> None:
        """Begin the journal with that of an imported checkpoint, unless the folder has one."""
        if self.journal_path.exists() or imported.name == FILE_NAME:
            return
        try:
            with replacing(self.journal_path) as temporary:
                shutil.copyfile(imported, temporary)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            where = harmless(str(self.journal_path))
            raise CheckpointError(f"{where}: cannot be written ({reason})") from None

    def save(self, checkpoint: Checkpoint, is_best: bool = False) -> Path:
        """Save under the name of its position; only then remove older checkpoints."""
        self._remove_temporary()
        path = self.path / checkpoint.position.file_name
        save(path, checkpoint)
        self.saves = checkpoint.number
        if is_best:
            self._make_best(path)
        self._remove_old()
        return path

    def _remove_temporary(self) -> None:
        """Remove what runs that were killed while saving have left."""
        for path in self.path.iterdir():
            if is_temporary(path.name):
                with suppress(OSError):
                    path.unlink()

    def _make_best(self, path: Path) -> None:
        """Let best.safetensors be this file too: a hard link, or a copy where links fail."""
        best, temporary = self.path / BEST, temporary_name(self.path / BEST)
        try:
            try:
                os.link(path, temporary)
            except OSError:
                shutil.copyfile(path, temporary)
            os.replace(temporary, best)
        except OSError as error:
            raise CheckpointError(f"{best}: cannot be written ({error.strerror})") from None
        finally:
            # Renaming a link to another link of the same file does nothing: both remain.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _remove_old(self) -> None:
        numbers = numbered(self.path)
        last_first = sorted(numbers, key=numbers.__getitem__, reverse=True)
        for path in last_first[self.keep :] if self.keep else ():
            with suppress(OSError):
                path.unlink()


def new_run_folder(base: str | Path, name: str) -> Path:
    """Return an unused path in `base`: <name>-<date>-<time>, with a number if necessary."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(path for c in candidates if not (path := Path(base) / c).exists())
