"""The one step of the compiler that is replaced: the linker hands over PTX, and no machine code.

Numba compiles a kernel to NVVM's intermediate code, and nvJitLink optimizes that together with
whatever it is linked with, to PTX, from which ptxas makes machine code.  That PTX is run here.
"""

from collections.abc import Callable
from importlib import metadata
from typing import Any


def hand_over_ptx(count: Callable[[], None]) -> None:
    """Make Numba's linker return PTX.  count(): is called for every kernel that is linked.

    Numba keeps what it compiles under a key with the versions of CUDA; it gets a key of its own, so
    that a real GPU is not given PTX, nor the emulator machine code.
    """
    from numba.cuda import codegen
    from numba.cuda.cudadrv import driver

    object_code: Any = vars(driver)["ObjectCode"]  # cuda.core's

    def complete(linker: Any) -> Any:
        count()
        if linker._has_ltoir:
            text = bytes(linker.get_linked_ptx())
        else:
            text = b"\n".join(bytes(part.code) for part in linker._object_codes)
            linker._complete, linker.linker = True, linker
            linker._info_log = linker._error_log = ""
        return object_code.from_cubin(text.replace(b"\0", b"") + b"\n")

    linker_class: Any = vars(driver)["_Linker"]
    codegen_class: Any = codegen.JITCUDACodegen
    magic = codegen_class.magic_tuple
    linker_class.complete = complete
    codegen_class.magic_tuple = lambda self: (*magic(self), "emulator", *_versions())


def _versions() -> tuple[str | None, ...]:
    """Of the compiler and the linker, where they are Python packages."""
    found: list[str | None] = []
    for name in ("nvidia-nvvm", "nvidia-nvjitlink"):
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append(None)
    return tuple(found)
