"""The shared library that programs load as the driver, compiled when first used."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("libcuda.c")
NAME = "libcuda.so.1"


class NoCompiler(RuntimeError):
    """There is no C compiler; the message says what to do."""


def cache_folder() -> Path:
    """Return the folder of what the emulator keeps: EMULATOR_CACHE, or one in the user's cache."""
    given = os.environ.get("EMULATOR_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(given) if given else Path(home) / "emulator"


def built() -> Path:
    """Return the library's path; it is compiled if its source has changed since, or never was."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    folder = cache_folder() / f"libcuda-{digest}"
    path = folder / NAME
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            folder = Path(tempfile.mkdtemp(prefix="emulator-"))
        path = folder / NAME
        _compile(path)
    return path


def _compile(path: Path) -> None:
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None:
        raise NoCompiler(
            "the emulator needs a C compiler for a library of a few lines, and found none of cc, "
            "gcc, clang; install one, or name it in the variable CC"
        )
    made = path.with_name(f"{NAME}.{os.getpid()}")
    command = [compiler, "-shared", "-fPIC", "-O1", f"-Wl,-soname,{NAME}", "-o", made, SOURCE]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    except OSError as problem:
        raise NoCompiler(f"the C compiler {compiler} cannot be run: {problem.strerror}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoCompiler(f"{compiler} does not compile {SOURCE.name}: {last}")
    made.replace(path)  # so that another process sees all of it or nothing


def loaded() -> ctypes.CDLL:
    """Load the library for all of this process."""
    return ctypes.CDLL(str(built()), ctypes.RTLD_GLOBAL)
