"""What a run has come to, from the header of its newest checkpoint and the ends of its journal."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from convnet import checkpoint
from convnet.errors import CheckpointError, DataError
from convnet.journal import FILE_NAME
from convnet.runs.events import Events, read_events
from convnet.runs.settings import settings_of

State = Literal["running", "done", "stopped", "killed", "unreadable"]


@dataclass(frozen=True)
class RunSummary:
    """A row of `convnet runs`.

    state: "running": a process trains there now; "done": all epochs are trained; "stopped": by a
    signal, a limit, a plateau or an error, which `reason` tells; "killed": its last process ended
    without a word; "unreadable": `reason` says why.
    net: the layer file's name without its ending.  epochs: trained so far; of: as many as asked.
    error: the best test, `measure` names the number; None before the first test.  last_error: the
    same number of the newest test.
    seconds: from the beginning to the end of all attempts.  started: UTC, ISO 8601.
    settings: all options and all keys of the two files, see `settings_of`.
    """

    folder: Path
    state: State
    reason: str = ""
    net: str = ""
    data: str = ""
    epochs: float = 0.0
    of: int | None = None
    error: float | None = None
    last_error: float | None = None
    measure: str = ""
    seconds: float = 0.0
    started: str = ""
    settings: dict[str, str] = field(default_factory=dict, repr=False)


def run_folders(place: Path) -> list[Path]:
    """Return the folders of runs: `place` itself if it is one, else those in it, sorted by name.

    Raises DataError if there is no such folder, or it cannot be read.
    """
    if _is_run(place):
        return [place]
    try:
        return sorted(each for each in place.iterdir() if each.is_dir() and _is_run(each))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{place}: cannot be listed ({reason}); give a folder of runs") from None


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return what tells runs apart: the names of their folders; their paths if names are equal."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else list(map(str, folders))


def summary_of(folder: Path) -> RunSummary:
    """Return the summary of a run; one that cannot be read is a summary that says so."""
    events = read_events(folder)
    facts: dict[str, Any] = {}
    try:
        facts = checkpoint.read_header(checkpoint.newest(folder))
    except CheckpointError as error:
        if events is None:
            return RunSummary(folder, "unreadable", str(error).partition("\n")[0])
    return summarized(folder, events, facts)


def summarized(folder: Path, events: Events | None, facts: dict[str, Any]) -> RunSummary:
    """Return the summary of a run; facts: of its newest checkpoint's header, {} if it has none."""
    state, reason = _state(folder, events, bool(facts))
    first = events.first if events else {}
    return RunSummary(
        folder,
        state,
        reason,
        net=Path(facts.get("layers_path") or _text(first, "layers")).stem,
        data=facts.get("data") or _text(first, "data"),
        seconds=events.seconds if events else 0.0,
        started=_text(first, "time") or facts.get("created", ""),
        settings=settings_of(facts) if facts else {},
        **(_progress(facts) if facts else {}),
    )


def _is_run(folder: Path) -> bool:
    with suppress(OSError):
        return (folder / FILE_NAME).is_file() or checkpoint.has_checkpoint(folder)
    return False


def _progress(facts: dict[str, Any]) -> dict[str, Any]:
    position = checkpoint.Position(*facts["position"])
    found: dict[str, Any] = {"epochs": position.epochs, "of": facts["options"].get("epochs")}
    best = facts["history"].get("best")
    tests = facts["history"].get("test", [])
    if best and tests:
        measure, last = _judged(tests[-1])
        found |= {"error": best["error"], "last_error": last, "measure": measure}
    return found


def _judged(test: dict[str, Any]) -> tuple[str, float | None]:
    """The number that a net is judged by, the first error, as in training: its name and value."""
    costs: dict[str, dict[str, float]] = test["costs"]
    numbers = [item for each in costs.values() for item in each.items()]
    errors = [item for item in numbers if item[0].endswith("error")]
    return next(iter(errors or numbers), ("", None))


def _state(folder: Path, events: Events | None, is_saved: bool) -> tuple[State, str]:
    if is_locked(folder / FILE_NAME):
        return "running", ""
    if events is None:
        return "stopped", "it has no journal"
    if events.last.get("event") != "stop":
        return "killed", "" if is_saved else "before its first save"
    reason = _text(events.last, "reason")
    return ("done", "") if reason == "done" else ("stopped", reason)


def is_locked(journal: Path) -> bool:
    """Return whether a process has the journal open for writing, see `convnet.journal`."""
    with suppress(OSError), journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def summaries(place: Path) -> Iterator[RunSummary]:
    """Yield the summaries of all runs in a folder."""
    for folder in run_folders(place):
        yield summary_of(folder)
