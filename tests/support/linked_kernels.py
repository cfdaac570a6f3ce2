"""Machine code of kernels as Numba makes it for a GPU: NVVM, then link-time optimization; no GPU.

`numba.cuda.jit` links by LTO wherever nvJitLink is installed.  The linker's optimizer then chooses
other registers than the assembler does for NVVM's PTX, so only its result says what runs.
"""

import re
from types import SimpleNamespace
from unittest import mock

from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import cuda
from numba.cuda import dispatcher

from convnet.backends.cuda.jit import Kernel

TARGETS = {"sm_80": (8, 0), "sm_90a": (9, 0, "a")}
OLDEST, NEWEST = TARGETS
_REPORTED = {
    "registers": r"Used (\d+) registers",
    "shared": r"(\d+) bytes smem",
    "spilled": r"(\d+) bytes spill stores",
    "stack": r"(\d+) bytes stack frame",
}
_LONG_DIVISION = re.compile(r"^\s*(?:@\S+\s+)?(?:div|rem)\.[su]64\b", re.M)


def _device():
    """Numba asks the driver which device it compiles the functions for that kernels call."""
    return SimpleNamespace(compute_capability=TARGETS[OLDEST])


def compiled(kernel: Kernel, arguments: tuple, target: str) -> bytes:
    """Return the LTO IR of a kernel for Numba's types of its arguments."""
    with mock.patch.object(dispatcher, "get_current_device", _device):
        code, _ = cuda.compile(
            kernel.function,
            arguments,
            device=False,
            abi="numba",
            cc=TARGETS[target],
            launch_bounds=(kernel.threads, kernel.blocks),
            output="ltoir",
        )
    return code


def optimized(code: bytes, target: str) -> str:
    """Return the PTX that the linker's optimizer makes of LTO IR."""
    options = LinkerOptions(arch=target, link_time_optimization=True, ptx=True)
    text = bytes(Linker(ObjectCode.from_ltoir(code), options=options).link("ptx").code)
    return text.decode().strip("\0\n ")


def assembled(code: bytes, target: str) -> tuple[bytes, dict[str, int]]:
    """Return machine code, and registers, bytes of shared memory, spills and stack frame.

    ValueError if the assembler does not report the registers.
    """
    options = LinkerOptions(
        arch=target, link_time_optimization=True, verbose=True, ptxas_options=["-v"]
    )
    linker = Linker(ObjectCode.from_ltoir(code), options=options)
    cubin, log = bytes(linker.link("cubin").code), linker.get_info_log()
    if not re.search(_REPORTED["registers"], log):
        raise ValueError(f"the assembler reports no registers: {log[:200]!r}")
    found = {name: re.search(pattern, log) for name, pattern in _REPORTED.items()}
    return cubin, {name: int(match[1]) if match else 0 for name, match in found.items()}


def long_divisions(ptx: str) -> int:
    """Return how many divisions and remainders of 64-bit integers PTX has.

    Each is a loop of about a hundred instructions; one of 32 bits is about twenty.
    """
    return len(_LONG_DIVISION.findall(ptx))
