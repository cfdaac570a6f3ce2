"""A driver for GPUs that do not exist: contexts, memory, streams, graphs, kernels."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.library import NoCompiler, loaded
from emulator.driver.link import hand_over_ptx
from emulator.driver.status import Refused, Status
from emulator.driver.table import Table
from emulator.machine import Observer
from emulator.options import Options

__all__ = ["Driver", "NoCompiler", "Refused", "Status", "Table", "install", "installed"]

_installed: list[Table] = []
_FIND = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)
_kept: list[object] = []  # what C code calls must stay


def install(options: Options, observer: Observer | None = None) -> Table:
    """Give this process emulated GPUs, once and before anything imports numba.cuda.

    observer: is told of all that kernels do, for counters.
    """
    if _installed:
        return _installed[0]
    table = Table(Driver(options, observer))
    library = loaded()
    find = _FIND(lambda name: table.address(name.decode()))
    _kept.extend((find, library))
    library.emulator_set_find(find)
    hand_over_ptx(lambda: table.driver.calls.update(["(links)"]))
    _installed.append(table)
    return table


def installed() -> Table | None:
    """Return the entry points that this process uses, if any."""
    return _installed[0] if _installed else None
