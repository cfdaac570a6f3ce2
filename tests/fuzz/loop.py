"""Gives inputs to a reader, one after the other in this process, and judges what it does."""

import json
import os
import re
import resource
import shutil
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from convnet.errors import ConvnetError
from tests.fuzz.reader import Inputs, Tree

SLOWEST = 10.0  # seconds of processor time that an input may take
MOST_MEMORY = 2 << 30  # bytes that an input may take
_KEPT = 3  # failures of one kind that are saved


@dataclass
class Result:
    """What was tried.  failures: kind -> how often; memory: bytes above those before the first."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_number: int = 0
    memory: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class Loop:
    """Runs inputs of a reader.

    folder: for the inputs, one at a time, in `in`; the reader's own files go to `out`, the working
    directory.  failures: where failed inputs are saved; None saves nothing.
    on_start: called with the number of each input before it is read.
    """

    def __init__(
        self,
        inputs: Inputs,
        folder: Path,
        failures: Path | None = None,
        on_start: Callable[[int, Result], None] = lambda number, result: None,
    ):
        self.inputs, self.reader, self.failures = inputs, inputs.reader, failures
        self.folder, self.result, self.on_start = folder, Result(), on_start
        self._written: Tree = {}
        self.input, self.out = folder / "in", folder / "out"
        for place in (self.input, self.out):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)

    def run(self, first: int, most: int | None = None, seconds: float | None = None) -> Result:
        """Try the inputs from number `first` on."""
        before = Path.cwd()
        os.chdir(self.out)
        stop, number = None if seconds is None else time.monotonic() + seconds, first
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # Those that convnet gives are messages; libraries' would be printed as they are.
                warnings.filterwarnings("always", category=UserWarning, message=".*(/|: )")
                warnings.showwarning = _check_warning
                while (most is None or number < first + most) and (
                    stop is None or time.monotonic() < stop
                ):
                    self.one(number, self.inputs.make(number))
                    number += 1
        finally:
            os.chdir(before)
        return self.result

    def one(self, number: int, tree: Tree) -> str | None:
        """Try an input; return the kind of its failure, None if it passes."""
        self._write(tree)
        self.on_start(number, self.result)
        memory, started = _most_memory(), time.process_time()
        problem, trace = self._read()
        spent, memory = time.process_time() - started, _most_memory() - memory
        self._clean()
        found = self.result
        found.tried += 1
        found.memory = max(found.memory, memory)
        if spent > found.slowest:
            found.slowest, found.slowest_number = spent, number
        if problem is None and spent > SLOWEST:
            problem = "slow"
            trace = f"took {spent:.1f} seconds"
        if problem is not None:
            found.failures[problem] += 1
            if found.failures[problem] <= _KEPT:
                self._save(number, problem, trace)
        return problem

    def _read(self) -> tuple[str | None, str]:
        """Return the kind of the failure, or None, and its traceback."""
        try:
            self.reader.read(self.input)
        except (ConvnetError, *self.reader.accepts) as error:
            self.result.refused += 1
            text = str(error)
            if not text.replace("\n", "").isprintable():
                trace = traceback.format_exc()
                return f"unprintable text: {type(error).__name__} at {_place(error)}", trace
            if not text.strip():
                return f"no text: {type(error).__name__} at {_place(error)}", ""
        except Exception as error:
            return f"{type(error).__name__} at {_place(error)}", traceback.format_exc()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # such as a panic of a library
            return f"{type(error).__name__} at {_place(error)}", traceback.format_exc()
        return None, ""

    def _write(self, tree):
        if self._written.keys() - tree.keys():  # a file may become a folder
            shutil.rmtree(self.input)
            self.input.mkdir()
            self._written = {}
        for name, contents in tree.items():
            if self._written.get(name) != contents:
                path = self.input / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(contents)
        self._written = dict(tree)

    def _clean(self):
        """Remove what the reader has written."""
        for path in self.out.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _save(self, number, problem, trace):
        if self.failures is not None:
            save_failure(self.failures, self.input, self.inputs, number, problem, trace)


def save_failure(
    failures: Path, found: Path, inputs: Inputs, number: int, problem: str, trace: str
) -> None:
    """Copy an input to a folder of its own, with what is needed to replay it."""
    words = re.sub(r"\W+", "-", problem)[:80]
    folder = failures / f"{inputs.reader.name}-{inputs.seed}-{number}-{words}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(found, folder / "in")
    facts = {"reader": inputs.reader.name, "seed": inputs.seed, "number": number, "kind": problem}
    (folder / "failure.json").write_text(json.dumps(facts, indent=1) + "\n")
    (folder / "traceback.txt").write_text(trace, errors="backslashreplace")


def _check_warning(message, *_, **__):
    if not str(message).replace("\n", "").isprintable():
        raise AssertionError(f"a warning that is not printable: {message!s:.200}")


def _place(error: BaseException) -> str:
    """The innermost line of convnet's code in a traceback, as file:line."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/convnet/" in frame.filename
    ]
    if not frames:
        return "no line of convnet"
    last = frames[-1]
    return f"convnet/{last.filename.rpartition('/convnet/')[2]}:{last.lineno}"


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
