"""A run's folder: its checkpoints, of which the last few and the best are kept, and its journal."""

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


class RunFolder:
    """Made if it is missing.  keep: how many of the last checkpoints to keep; None keeps all."""

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
        return self.journal_path.exists() or bool(numbered(self.path))

    def save(self, checkpoint: Checkpoint, is_best: bool = False) -> Path:
        """Save under the name of its position; then, and only then, remove what is not kept."""
        self._sweep()
        path = self.path / checkpoint.position.file_name
        save(path, checkpoint)
        self.saves = checkpoint.number
        if is_best:
            self._make_best(path)
        self._thin_out()
        return path

    def _sweep(self):
        """Remove what runs that were killed while saving have left."""
        for path in self.path.iterdir():
            if is_temporary(path.name):
                with suppress(OSError):
                    path.unlink()

    def _make_best(self, path):
        """Let best.safetensors be this file too: a hard link, or a copy where there are none."""
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
            # Renaming a link over another link of the same file leaves both.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _thin_out(self):
        numbers = numbered(self.path)
        last_first = sorted(numbers, key=numbers.get, reverse=True)
        for path in last_first[self.keep :] if self.keep else ():
            with suppress(OSError):
                path.unlink()


def new_run_folder(base: str | Path, name: str) -> Path:
    """A path in `base` that is not taken: <name>-<date>-<time>, with a number if need be."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    candidates = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(path for c in candidates if not (path := Path(base) / c).exists())
