"""The one step of the compiler that is replaced: the linker hands over PTX, and no machine code.

Numba compiles a kernel to NVVM's intermediate code, and nvJitLink optimizes that together with
whatever it is linked with, to PTX, from which ptxas makes machine code.  That PTX is run here.
"""

from collections.abc import Callable
from typing import Any


def hand_over_ptx(count: Callable[[], None]) -> None:
    """Make Numba's linker return PTX.  count(): is called for every kernel that is linked.

    Numba keeps what it compiles under a key with the versions of CUDA; it gets a key of its own, so
    that a real GPU is not given PTX, nor the emulator machine code.
    """
    from cuda.core import ObjectCode
    from numba.cuda import codegen
    from numba.cuda.cudadrv import driver

    def complete(linker: Any) -> Any:
        count()
        if linker._has_ltoir:
            text = bytes(linker.get_linked_ptx())
        else:
            text = b"\n".join(bytes(part.code) for part in linker._object_codes)
            linker._complete, linker.linker = True, linker
            linker._info_log = linker._error_log = ""
        return ObjectCode.from_cubin(text.replace(b"\0", b"") + b"\n")

    magic = codegen.JITCUDACodegen.magic_tuple
    driver._Linker.complete = complete
    codegen.JITCUDACodegen.magic_tuple = lambda self: (*magic(self), "emulator", *_versions())


def _versions() -> tuple[str | None, ...]:
    from importlib import metadata

    return tuple(metadata.version(name) for name in ("nvidia-nvvm", "nvidia-nvjitlink"))
