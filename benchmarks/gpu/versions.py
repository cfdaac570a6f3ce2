"""The versions of everything that takes part in a measurement."""

import ctypes
import os
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "numba-cuda", "numba", "cuda-core", "cuda-bindings", "numpy", "torch", "nvidia-nvvm",
    "nvidia-nvjitlink", "nvidia-cudnn-cu13", "nvidia-cublas",
)  # fmt: skip
QUERY = ("name", "driver_version", "memory.total", "clocks.max.sm", "power.limit")


def versions(root: Path) -> dict[str, object]:
    """Return those of driver, CUDA, packages, and convnet's git revision; None where missing."""
    found: dict[str, object] = {name: _package(name) for name in PACKAGES}
    found["convnet"] = revision(root)
    found["gpus"] = gpus()
    found["cuda_of_driver"] = _cuda_of_driver()
    return found


def _package(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _output(*command, folder=None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=folder)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def revision(root: Path) -> str | None:
    """Return git's revision, with "+" for changed files; without git CONVNET_REVISION, or None."""
    head = _output("git", "rev-parse", "HEAD", folder=root)
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", folder=root)
    if not head:  # a copy without its repository
        return os.environ.get("CONVNET_REVISION")
    return head[:12] + ("+" if changed else "")


def gpus() -> list[dict[str, str]]:
    """Return what nvidia-smi reports of each GPU; [] without it."""
    text = _output("nvidia-smi", f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader")
    rows = [line.split(", ") for line in text.splitlines()]
    return [dict(zip(QUERY, row, strict=False)) for row in rows]


def _cuda_of_driver() -> str | None:
    number = ctypes.c_int()
    try:
        status = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number))
    except (OSError, AttributeError):
        return None
    return f"{number.value // 1000}.{number.value % 1000 // 10}" if status == 0 else None
