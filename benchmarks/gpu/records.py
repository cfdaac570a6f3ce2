"""The records of a part's checks, as JSON lines: its process writes them, the launcher reads them.

A check writes a line when it begins and one when it ends.  So the launcher sees in which check a
process died, and the next process continues after that check.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

LOST = 3  # exit code of a process that can no longer use its GPU; another one continues
LONGEST_ERROR = 2000


class Skip(Exception):
    """Raised by a check that cannot run here, with the reason."""


def read(path: Path) -> list[dict]:
    """Return all lines of a file, none if it does not exist; an incomplete last line is ignored."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def finished(lines: Iterable[dict]) -> list[dict]:
    """Return the records of checks; one that began and never ended has failed."""
    found: dict[str, dict] = {}
    for line in lines:
        if "start" in line:
            error = "the process died, or was stopped, in this check"
            found[line["start"]] = {"name": line["start"], "status": "failed", "error": error}
        else:
            found[line["name"]] = line
    return list(found.values())


class Writer:
    """Appends to a part's file.  begun: names of checks of this and earlier processes."""

    def __init__(self, path: Path):
        self.path = path
        self.begun = {line.get("start") or line["name"] for line in read(path)}

    def write(self, **line) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def start(self, name: str) -> None:
        self.begun.add(name)
        self.write(start=name)

    def end(self, name: str, status: str, seconds: float, **more) -> None:
        self.write(name=name, status=status, seconds=round(seconds, 3), **more)


def run_checks(
    checks: Iterable[tuple[str, Callable[[], dict | None]]],
    writer: Writer,
    lost: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """Run the checks that no process has begun before, also after failures; return the exit code.

    A check returns its measurements.  lost(): called after a failure; whether no other check can
    succeed.
    """
    for name, check in checks:
        if name in writer.begun:
            continue
        writer.start(name)
        started = clock()
        result = outcome(check)
        writer.end(name, seconds=clock() - started, **result)
        if result["status"] == "failed" and lost():
            return LOST
    return 0


def outcome(check: Callable[[], dict | None]) -> dict:
    """Return a check's status and measurements, or its error."""
    try:
        return {"status": "ok", "figures": check() or {}}
    except Skip as reason:
        return {"status": "skipped", "error": str(reason)}
    except Failed as failure:
        return {"status": "failed", "error": str(failure), "figures": failure.figures}
    except Exception as error:
        return {"status": "failed", "error": error_text(error)}


class Failed(Exception):
    """Raised by a check whose measurements are not what they should be."""

    def __init__(self, why: str, figures: dict):
        super().__init__(why)
        self.figures = figures


def error_text(error: BaseException) -> str:
    """Return the error's text, and the file and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR] + place
