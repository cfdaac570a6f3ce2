"""Lets a chosen call that writes below a folder, or to the console, fail.

Python's functions that change files are replaced in this process, which a fault is tried in and
which ends then.
"""

import builtins
import errno
import fcntl
import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Functions of `os` whose first argument is a path or a descriptor.
_FUNCTIONS = ("open", "write", "fsync", "mkdir", "truncate", "ftruncate", "chmod", "sendfile")
_TWO_PATHS = ("replace", "rename", "link", "symlink")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    error: number of the operating system; 0 for none.  stays: also every later call fails.
    vanishes: the folder is removed before the call.  short: a write takes only half of its bytes.
    """

    name: str
    error: int = 0
    stays: bool = False
    vanishes: bool = False
    short: bool = False


FAULTS = (
    Fault("no space", errno.ENOSPC, stays=True),
    Fault("no space once", errno.ENOSPC),
    Fault("read-only", errno.EROFS, stays=True),
    Fault("no permission once", errno.EACCES),
    Fault("input/output error", errno.EIO),
    Fault("folder vanishes", vanishes=True),
    Fault("short write", short=True),
)


class Injector:
    """Counts the calls that write below `folder`, or to `descriptors`, and lets one fail.

    at: number of the call, from 1; 0 only counts.  fired: called when a call fails.
    """

    def __init__(
        self,
        folder: Path,
        fault: Fault,
        at: int,
        fired: Callable[[str], None],
        descriptors: tuple[int, ...] = (),
    ):
        self.folder, self.fault, self.at, self.fired = folder.resolve(), fault, at, fired
        self.descriptors, self.calls = descriptors, 0
        self.real: dict[str, Any] = {}

    def install(self) -> None:
        """Replace the functions, in this process and for good."""
        for name in (*_FUNCTIONS, *_TWO_PATHS):
            self.real[name] = getattr(os, name)
            setattr(os, name, self._function(name))
        self.real["flock"] = fcntl.flock
        fcntl.flock = lambda file, how: (self._call("flock", file), self.real["flock"](file, how))[
            1
        ]
        self.real["io.open"] = io.open
        builtins.open = io.open = self._open
        self._replace_libraries()
        for number in self.descriptors:
            stream = io.TextIOWrapper(
                io.BufferedWriter(_File(self, number, "w", closefd=False)),
                encoding="utf-8",
                line_buffering=True,
            )
            setattr(sys, {1: "stdout", 2: "stderr"}[number], stream)

    def _replace_libraries(self):
        """What writes without Python's files: arrays in C, safetensors in Rust."""
        import numpy.lib._format_impl as numpy_format

        numpy_format.isfileobj = lambda file: False
        from convnet.checkpoint import write as writing

        real = writing.save_file

        def save_file(arrays, path, *rest):
            half = self._call("save_file", path)
            real(arrays, path, *rest)
            if half:  # what this library does not report is found when the file is read again
                self.real["truncate"](path, os.path.getsize(path) // 2)

        writing.save_file = save_file

    # -- calls -------------------------------------------------------------------------------------

    def _function(self, name):
        def function(first, *rest, **options):
            if name == "open" and not (rest and rest[0] & _WRITES):
                return self.real[name](first, *rest, **options)
            where = rest[0] if name in _TWO_PATHS else first
            half = self._call(name, where)
            if half and name == "write":
                return self.real[name](first, bytes(rest[0])[: max(1, len(rest[0]) // 2)])
            return self.real[name](first, *rest, **options)

        return function

    def _open(
        self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None,
        closefd=True, opener=None,
    ):  # fmt: skip
        if not set(mode) & set("wax+") or isinstance(file, int) or not self._counts(file):
            arguments = mode, buffering, encoding, errors, newline, closefd, opener
            return self.real["io.open"](file, *arguments)
        self._call("open", file)
        raw = _File(self, file, mode.replace("t", "").replace("b", ""), opener=opener)
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
        binary = kind(raw)
        if "b" in mode:
            return binary
        text = io.TextIOWrapper(binary, encoding, errors, newline)
        text.mode = mode
        return text

    def _call(self, name: str, where: Any) -> bool:
        """Count a call; raise if it is to fail; return whether it is to write only half."""
        if not self._counts(where):
            return False
        self.calls += 1
        fault = self.fault
        due = self.calls >= self.at if fault.stays else self.calls == self.at
        if not self.at or not due:
            return False
        if self.calls == self.at:
            self.fired(name)
        if fault.vanishes:
            shutil.rmtree(self.folder, ignore_errors=True)
            return False
        if fault.error:
            raise OSError(fault.error, os.strerror(fault.error), str(where))
        return fault.short

    def _counts(self, where: Any) -> bool:
        if hasattr(where, "fileno"):
            where = where.fileno()
        if isinstance(where, int):
            if where in (0, 1, 2):
                return where in self.descriptors
            where = os.readlink(f"/proc/self/fd/{where}")
        if self.descriptors:
            return False
        path = Path(os.path.abspath(os.fsdecode(os.fspath(where))))
        return path == self.folder or self.folder in path.parents


class _File(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, injector: Injector, file: Any, mode: str, **options: Any):
        self._injector = injector
        super().__init__(file, mode, **options)

    def write(self, data):
        half = self._injector._call("write", self.fileno())
        return super().write(bytes(data)[: max(1, len(data) // 2)] if half else data)
