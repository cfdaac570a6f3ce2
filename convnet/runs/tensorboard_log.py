"""Writes TensorBoard's event file of a run while it is trained."""

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from convnet import checkpoint
from convnet.display import harmless
from convnet.errors import CheckpointError, ConvnetError, DataError
from convnet.journal import Record, read
from convnet.runs.event_file import PATTERN, EventFile, remove_event_files, require_package
from convnet.runs.saved import Saved
from convnet.runs.settings import settings_of
from convnet.runs.tensorboard import add_checkpoint, add_records, add_settings, results_of
from convnet.train.observer import Observer
from convnet.train.run import Run

_FLUSH_EVERY = 10.0  # seconds


class TensorBoardLog(Observer):
    """Writes each record, and each checkpoint's weights, as `write_events` would afterwards.

    A run that starts replaces the event files in the folder; one that is resumed adds a file, in
    which TensorBoard finds that later steps no longer count.  When the disk is full, the user is
    told once and nothing more is written; training goes on.

    Parameters:
        target: Folder of the run's event files, which is made if it is missing.
        run: That is observed.
        tell: Called with a line for the user.

    Raises:
        ConvnetError: If the package is missing, or nothing can be written there.
    """

    def __init__(self, target: Path, run: Run, tell: Callable[[str], object]) -> None:
        require_package()
        self._target, self._run, self._tell = target, run, tell
        self._file: EventFile | None = None
        self._has_hyperparameters = False  # written once a test names the results
        self._flushed = time.monotonic()
        try:
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=target):
                pass
        except OSError as error:
            raise ConvnetError(
                f"{harmless(str(target))}: event files cannot be written there ({_reason(error)}); "
                "give another folder (--tensorboard)"
            ) from None

    def on_start(self, record: dict[str, Any]) -> None:
        self._guarded(lambda: self._open(record))

    def on_train(self, record: dict[str, Any]) -> None:
        self._guarded(lambda: self._add(record))

    def on_test(self, record: dict[str, Any]) -> None:
        self._guarded(lambda: self._add(record))

    def on_save(self, path: Path) -> None:
        self._guarded(lambda: self._add_checkpoint(path))

    def close(self) -> None:
        """Write what is buffered, and close the file."""
        if self._file is not None:
            self._guarded(self._file.close)
            self._file = None

    # -- the file ------------------------------------------------------------------------------

    def _open(self, record: Record) -> None:
        if record["event"] == "start":
            remove_event_files(self._target)
            self._file = EventFile(self._target)
        else:
            is_new = not any(self._target.glob(PATTERN))
            self._file = EventFile(self._target, after=record["step"])
            if is_new and self._run.folder is not None:  # it was begun without --tensorboard
                with suppress(DataError):
                    records = read(self._run.folder.journal_path, lambda line: None)
                    add_records(self._file, records)
        add_settings(self._file, settings_facts(self._run), record["step"])

    def _add(self, record: Record) -> None:
        if self._file is None:
            return
        add_records(self._file, [record])
        if record["event"] == "test" and not self._has_hyperparameters:
            self._has_hyperparameters = True
            settings = settings_of(settings_facts(self._run))
            self._file.hyperparameters(settings, results_of([record]))
        if time.monotonic() - self._flushed > _FLUSH_EVERY:
            self._flush()

    def _add_checkpoint(self, path: Path) -> None:
        if self._file is None:
            return
        with suppress(CheckpointError):  # somebody has removed it
            add_checkpoint(self._file, Saved.of(checkpoint.load_newest(path, for_test=True)))
        self._flush()

    def _flush(self) -> None:
        if self._file is not None:
            self._file.flush()
            self._flushed = time.monotonic()

    def _guarded(self, write: Callable[[], None]) -> None:
        """Write; after an error nothing more: TensorBoard reads a file up to a torn record."""
        try:
            write()
        except OSError as error:
            broken, self._file = self._file, None
            if broken is not None:
                with suppress(OSError):
                    broken.close()
            place = harmless(str(self._target))
            self._tell(
                f"{place}: the event file cannot be written ({_reason(error)}); training goes on "
                "without it, and `convnet runs --to-tensorboard` writes all of it afterwards"
            )


def settings_facts(run: Run) -> dict[str, Any]:
    """Return of a run what `settings_of` reads in the header of its checkpoints."""
    graph = run.network.graph
    facts = {"seed": run.network.seed, "data": run.data, "options": run.stored_options()}
    for kind, parsed in (("layers", graph.layers_file), ("params", graph.params_file)):
        facts[f"{kind}_path"] = parsed.source.path if parsed else ""
        facts[kind] = parsed.source.text if parsed else ""
    return facts


def _reason(error: OSError) -> str:
    return harmless(error.strerror or str(error)).lower()
