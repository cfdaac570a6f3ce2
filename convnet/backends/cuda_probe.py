"""What CUDA needs on this machine and what is missing, found without initializing it."""

import ctypes
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec

PACKAGES = (
    "numba-cuda", "numba", "numpy", "cuda-bindings", "cuda-core", "cuda-pathfinder", "nvidia-nvvm",
    "nvidia-nvjitlink", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime",
)  # fmt: skip
INSTALL = "pip install 'numba-cuda[cu13]'"
LIBRARIES = {"nvvm": "NVVM", "nvJitLink": "nvJitLink", "nvrtc": "NVRTC"}
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_MANAGEMENT = ("libnvidia-ml.so.1", "nvml.dll")


def missing() -> str:
    """Return the first thing that CUDA lacks here, and what to do about it; "" if nothing."""
    return next(problems(), "")


def problems() -> Iterator[str]:
    """Yield everything that CUDA lacks here, each with what to do about it."""
    if find_spec("numba_cuda") is None:
        yield f"the package numba-cuda is not installed; {INSTALL} installs it and its libraries"
        return
    if driver_version() is None:
        yield (
            "no NVIDIA driver was found. CUDA needs an NVIDIA GPU and its driver; --device cpu "
            "runs the same network, each of its devices as a virtual one"
        )
        return
    found = versions()
    if _numbers(found["numpy"]) >= (2, 5) and _numbers(found["numba-cuda"]) < (0, 31):
        yield (
            f"numba-cuda {found['numba-cuda']} needs a NumPy below 2.5, found {found['numpy']}; "
            "pip install 'numpy<2.5' installs one"
        )
    for name, title in LIBRARIES.items():
        if not loads(name):
            yield f"NVIDIA's library {title} was not found; {INSTALL} installs it"
    compiler, linker = (_numbers(found[name])[:2] for name in ("nvidia-nvvm", "nvidia-nvjitlink"))
    if compiler > linker > ():
        yield (
            f"nvidia-nvvm {found['nvidia-nvvm']} is newer than nvidia-nvjitlink "
            f"{found['nvidia-nvjitlink']}, which cannot read what it writes; "
            f"pip install 'nvidia-nvvm=={linker[0]}.{linker[1]}.*' installs one that fits"
        )


def driver_version() -> str | None:
    """Return the newest CUDA that the driver supports, as "13.0"; None without a driver."""
    library, number = _library(_DRIVERS), ctypes.c_int()
    if library is None or library.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return None
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


def driver_release() -> str | None:
    """Return the driver's own version, as "580.95.05"; None where it does not report one."""
    library, text = _library(_MANAGEMENT), ctypes.create_string_buffer(80)
    if library is None or library.nvmlInit_v2() != 0:
        return None
    status = library.nvmlSystemGetDriverVersion(text, len(text))
    library.nvmlShutdown()
    return text.value.decode() if status == 0 else None


def _library(names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def loads(name: str) -> bool:
    """Whether one of NVIDIA's libraries is found where Numba looks for it."""
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    try:
        load_nvidia_dynamic_lib(name)
    except DynamicLibNotFoundError:
        return False
    return True


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that CUDA needs, None for those not installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _numbers(version: str | None) -> tuple[int, ...]:
    """The leading numbers of a version."""
    parts = (version or "").split(".")
    return tuple(int(part) for part in parts if part.isdecimal())
