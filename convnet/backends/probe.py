"""What CUDA needs on this machine, found out without starting it."""

import ctypes
from importlib import metadata
from importlib.util import find_spec

PACKAGES = (
    "numba-cuda", "cuda-bindings", "cuda-core", "nvidia-nvvm",
    "nvidia-nvjitlink", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime",
)  # fmt: skip
INSTALL = "pip install 'numba-cuda[cu13]'"
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")


def missing() -> str:
    """The first thing that CUDA lacks here, and what to do about it; "" if nothing does."""
    if find_spec("numba_cuda") is None:
        return f"the package numba-cuda is not installed; {INSTALL} installs it and its libraries"
    if driver_version() is None:
        return (
            "no NVIDIA driver was found. CUDA needs an NVIDIA GPU and its driver; --device cpu "
            "runs the same network, each of its devices as a virtual one"
        )
    return ""


def driver_version() -> str | None:
    """The newest CUDA that the driver runs, as "13.0"; None without a driver."""
    for name in _DRIVERS:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        number = ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(number)) == 0:
            return f"{number.value // 1000}.{number.value % 1000 // 10}"
    return None


def versions() -> dict[str, str | None]:
    """Installed packages that CUDA needs, None for those that are not."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
