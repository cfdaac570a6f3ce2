"""The packages that `make gpu` needs: which are missing, and wheels for a machine without network.

    python -m benchmarks.gpu.packages             list what is missing; exit code 1 if anything
    python -m benchmarks.gpu.packages download    fetch wheels into .wheels, for Linux on x86-64
    python -m benchmarks.gpu.packages install     install from .wheels what is missing

PyTorch is not fetched: it is large, and comes with its own CUDA.
"""

import argparse
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

FOLDER = Path(".wheels")
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in (28, 27, 24, 17, 12)] + ["manylinux2014_x86_64"]
UNUSED_IN_NVVM = "nvidia/cu13/nvvm/bin/"  # a compiler's program, half of the wheel


@dataclass(frozen=True)
class Need:
    """A distribution.  least, below: its versions; wheel: what is downloaded, None for nothing."""

    name: str
    wheel: str | None
    least: str = "0"
    below: str = "1000"

    def lack(self, version: str | None) -> str:
        """Return why an installed version does not fit; "" if it does."""
        if version is None:
            return "is not installed"
        if not numbers(self.least) <= numbers(version) < numbers(self.below):
            return f"{version} is installed, {self.least} or later below {self.below} is needed"
        return ""


# The library NVVM must not be newer than nvJitLink: 13.0 suits every driver of CUDA 13.
NEEDS = (
    Need("numpy", "numpy==2.4.6", "2.0", "2.5"),
    Need("numba", None, "0.61"),
    Need("numba-cuda", "numba-cuda==0.30.4", "0.30.4", "0.31"),
    Need("cuda-core", "cuda-core==1.2.2", "0.5.1", "2"),
    Need("cuda-pathfinder", "cuda-pathfinder==1.9.1", "1.4", "2"),
    Need("cuda-bindings", None, "12.9.1", "14"),
    Need("nvidia-nvvm", "nvidia-nvvm==13.0.88", "13"),
    Need("nvidia-nvjitlink", None, "13"),
    Need("lark", "lark", "1.1.9"),
    Need("click", "click", "8.1.7"),
    Need("rich", "rich", "13.7"),
    Need("safetensors", "safetensors", "0.4.3"),
    Need("pillow", "pillow", "10.3"),
    Need("pytest", "pytest", "8"),
    Need("torch", None, "2.9"),
)


def numbers(version: str) -> tuple[int, ...]:
    """Return (2, 11, 0) for 2.11.0+cu130."""
    found = []
    for part in version.partition("+")[0].split("."):
        digits = "".join(c for c in part if c.isdigit())
        found.append(int(digits or 0))
    return tuple(found)


def installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def toolkit_library() -> Path | None:
    """Return NVVM of a CUDA toolkit, which replaces its wheel; None without one."""
    homes = [os.environ.get("CUDA_PATH"), os.environ.get("CUDA_HOME"), "/usr/local/cuda"]
    for home in filter(None, homes):
        for path in sorted(Path(home).glob("nvvm/lib64/libnvvm.so*")):
            return path
    return None


def lacking(
    version_of: Callable[[str], str | None] = installed,
    toolkit: Callable[[], Path | None] = toolkit_library,
) -> dict[str, str]:
    """Return the distributions that do not fit, each with the reason."""
    found = {need.name: need.lack(version_of(need.name)) for need in NEEDS}
    if version_of("nvidia-nvvm") is None and toolkit() is not None:
        found.pop("nvidia-nvvm")
    return {name: reason for name, reason in found.items() if reason}


# -- download ------------------------------------------------------------------


def download(folder: Path, python: str, run: Callable = subprocess.run) -> None:
    """Fetch all wheels, for a version of Python such as 3.12."""
    folder.mkdir(exist_ok=True)
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    wheels = [need.wheel for need in NEEDS if need.wheel]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *platforms]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    run([*command, "--dest", str(folder), *wheels], check=True)
    for path in folder.glob("nvidia_nvvm-*.whl"):
        slim(path)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(wheels)} wheels in {folder}, {size / 2**20:.0f} MiB")


def slim(path: Path) -> None:
    """Remove from NVVM's wheel what Numba does not use, and compress the rest further."""
    thin = path.with_suffix(".tmp")
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(thin, "w", zipfile.ZIP_LZMA) as new,
    ):
        for entry in old.infolist():
            if not entry.filename.startswith(UNUSED_IN_NVVM):
                new.writestr(entry.filename, _kept(entry.filename, old.read(entry)))
    thin.replace(path)


def _kept(name, content):
    """The content of a file of the wheel; the list of files loses what was removed."""
    if not name.endswith(".dist-info/RECORD"):
        return content
    lines = content.decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(UNUSED_IN_NVVM)).encode()


# -- install ------------------------------------------------------------------


def install(folder: Path, target: Path | None, run: Callable = subprocess.run) -> int:
    """Install what is missing; return the exit code."""
    wheels = {need.name: need.wheel for need in NEEDS}
    wanted = [wheels[name] for name in lacking() if wheels[name]]
    if not wanted:
        return 0
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    place = ["--target", str(target), "--upgrade"] if target else []
    return run([*command, *place, "--find-links", str(folder), *wanted]).returncode


def print_lacking(found: dict[str, str]) -> None:
    """Print the missing packages, and how to install them from wheels that are there."""
    for name, reason in found.items():
        print(f"{sys.executable}: {name} {reason}", file=sys.stderr)
    if found and FOLDER.is_dir():
        print(f"{FOLDER} has wheels: {sys.executable} -m {__spec__.name} install", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.packages")
    parser.add_argument(
        "what", nargs="?", default="check", choices=["check", "download", "install"]
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the wheels")
    parser.add_argument("--python", default="3.12", help="version that wheels are fetched for")
    parser.add_argument("--target", type=Path, help="install into this folder, for PYTHONPATH")
    given = parser.parse_args()
    if given.what == "download":
        download(given.folder, given.python)
        return 0
    if given.what == "install":
        return install(given.folder, given.target)
    found = lacking()
    print_lacking(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
