"""Tries one fault in one operation, in a child that is forked from a process with all modules."""

import hashlib
import mmap
import os
import shutil
import signal
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.faults.inject import Fault, Injector
from tests.faults.operations import Operation, run_command

SECONDS = 60  # a child that takes longer hangs
_CRASHED = 99
_MISUSE = "Usage:"


@dataclass
class Ended:
    """How a child ended: exit code (negative: signal), what it printed, the call that failed."""

    code: int
    out: str
    err: str
    call: str
    calls: int


def run(folder: Path, operation: Operation, fault: Fault | None = None, at: int = 0) -> Ended:
    """Run an operation in a child, with a fault at its call number `at`."""
    shared = mmap.mmap(-1, 64)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _child(folder, operation, fault, at, shared)
    deadline = time.monotonic() + SECONDS
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            ended = child, -1
            break
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(ended[1]) if ended[1] >= 0 else -999
    calls, size = struct.unpack_from("<ii", shared)
    texts = [(folder / name).read_text(errors="replace") for name in ("stdout", "stderr")]
    return Ended(code, *texts, shared[8 : 8 + size].decode(), calls)


def _child(folder, operation, fault, at, shared):
    code = _CRASHED
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            file = os.open(folder / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)

        def fired(call):
            struct.pack_into("<ii", shared, 0, at, len(call))
            shared[8 : 8 + len(call)] = call.encode()

        if fault is not None:
            target = (1, 2) if operation.console else ()
            injector = Injector(folder / "out", fault, at, fired, target)
            injector.install()
        code = run_command(operation.arguments)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        os._exit(code)


@dataclass
class Found:
    """What a fault did.  problem: "" if everything is right.  ended: of the disturbed command."""

    problem: str
    ended: Ended
    again: Ended | None = None


def attempt(
    template: Path, place: Path, operation: Operation, fault: Fault, at: int, right
) -> Found:
    """Disturb call `at` of an operation in a copy of the template.

    right: the result of the operation without a fault.
    """
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)
    before = _hashes(place)
    ended = run(place, operation, fault, at)
    if not ended.call:
        return Found("", ended)
    problem = _judged(ended, operation)
    kept = {
        name: sum
        for name, sum in before.items()
        if not (fault.vanishes and name.startswith("out/"))
    }
    now = _hashes(place)
    lost = [name for name, sum in kept.items() if now.get(name) != sum]
    if not problem and lost:
        problem = f"lost: {', '.join(lost)}"
    if problem:
        return Found(problem, ended)
    if ended.code == 0 and _result(place, operation) == right:
        return Found("", ended)
    if ended.code == 0 and not fault.vanishes:
        return Found(f"exit code 0, but the result is {_told(place, operation)}", ended)
    if operation.console:
        wanted = _result(place, operation)
        return Found("" if wanted == right else "the result is not complete", ended)
    (place / "out").mkdir(exist_ok=True)
    again = run(place, operation)
    if again.code != 0:
        return Found(f"the same command again: exit code {again.code}", ended, again)
    if _result(place, operation) != right:
        return Found(
            f"the same command again: the result is {_told(place, operation)}", ended, again
        )
    return Found("", ended, again)


def _judged(ended, operation) -> str:
    """What is wrong with the way a command ended; "" if nothing is."""
    text = ended.out + ended.err
    if "Traceback" in text or ended.code == _CRASHED:
        return f"traceback: {text.strip().splitlines()[-1] if text.strip() else '?'}"
    if ended.code == -999:
        return f"hangs for {SECONDS} seconds"
    if ended.code not in (0, 1, 2):
        return f"exit code {ended.code}"
    if ended.code and not operation.console and not ended.err.strip():
        return "no message"
    if _MISUSE in ended.err:
        return "a message about usage"
    if not text.replace("\n", "").isprintable():
        return "a message that is not printable"
    return ""


def _result(place, operation):
    try:
        return operation.result(place)
    except Exception as error:
        return f"not readable ({type(error).__name__}: {error})"


def _told(place, operation) -> str:
    found = _result(place, operation)
    return found if isinstance(found, str) else "another one"


def _hashes(folder: Path) -> dict[str, str]:
    """Of everything that the command has no reason to change."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("stdout", "stderr")
    }
