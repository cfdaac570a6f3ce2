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
from dataclasses import dataclass, field, replace
from functools import cached_property
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


@dataclass
class Trial:
    """An operation in copies of a folder.

    template: the folder, with what an earlier command has written.  protected: its files that no
    command has a reason to change.  right: the result without a fault.  old: that of the earlier
    command.
    """

    operation: Operation
    template: Path
    place: Path
    protected: dict[str, str] = field(init=False)
    right: object = field(init=False)
    old: object = None

    def __post_init__(self) -> None:
        self.protected = _hashes(self.template)
        if self.operation.earlier:
            earlier = replace(self.operation, arguments=self.operation.earlier)
            self.template = self._copy(self.template, self.place.with_name("earlier"))
            self._whole(self.template, earlier)
            self.old = self.operation.result(self.template)
        self._whole(self._copy(self.template, self.place), self.operation)
        self.right = self.operation.result(self.place)

    def _copy(self, template, place):
        shutil.rmtree(place, ignore_errors=True)
        return Path(shutil.copytree(template, place))

    def _whole(self, place, operation):
        ended = run(place, operation)
        if ended.code not in (0, 1) or "Traceback" in ended.err:
            raise RuntimeError(f"{operation.name} fails without a fault: {ended.err}")

    def attempt(self, fault: Fault, at: int) -> Found:
        """Disturb call `at` of the operation in a copy of the template."""
        self._copy(self.template, self.place)
        ended = run(self.place, self.operation, fault, at)
        if not ended.call:
            return Found("", ended)
        problem = _judged(ended, self.operation) or self._losses(fault)
        if problem or (ended.code == 0 and self._result() == self.right):
            return Found(problem, ended)
        if self.operation.console:
            same = self._result() == self.right
            return Found("" if same else "the result is not complete", ended)
        if not fault.vanishes:
            if ended.code == 0:
                return Found(f"exit code 0, but {self._told()}", ended)
            if self.operation.earlier and self._result() not in (self.old, self.right):
                return Found(f"the earlier result is lost: {self._told()}", ended)
        return self._again(fault, ended)

    def _again(self, fault, ended) -> Found:
        """Run the command undisturbed where it was disturbed."""
        (self.place / "out").mkdir(exist_ok=True)
        again = run(self.place, self.operation)
        if again.code != 0:
            return Found(f"the same command again: exit code {again.code}", ended, again)
        result, right = self._result(), self.right
        if fault.vanishes and self.operation.after_vanishing:
            result, right = self.operation.after_vanishing(self.place), self._right_after_vanishing
        wrong = f"the same command again: {self._told()}" if result != right else ""
        return Found(wrong, ended, again)

    @cached_property
    def _right_after_vanishing(self):
        place = self._copy(self.template, self.place.with_name("vanished"))
        self._whole(place, self.operation)
        return self.operation.after_vanishing(place)

    def _losses(self, fault) -> str:
        now = _hashes(self.place)
        lost = [
            name
            for name, sum in self.protected.items()
            if now.get(name) != sum and not (fault.vanishes and name.startswith("out/"))
        ]
        return f"lost: {', '.join(lost)}" if lost else ""

    def _result(self):
        try:
            return self.operation.result(self.place)
        except Exception as error:
            return f"not readable ({type(error).__name__}: {error})"

    def _told(self) -> str:
        found = self._result()
        return f"the result is {found if isinstance(found, str) else 'another one'}"


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


def _hashes(folder: Path) -> dict[str, str]:
    """Of everything that the command has no reason to change."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("stdout", "stderr")
    }
