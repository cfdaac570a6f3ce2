"""The entry points as C functions: arguments are passed on, what is raised becomes a status."""

import ctypes
import threading
import traceback
from collections.abc import Callable
from typing import Any

import emulator.driver.calls  # noqa: F401  # fills ENTRIES
from emulator.driver.driver import Driver
from emulator.driver.registry import ENTRIES
from emulator.driver.status import ANSWERS, Refused, Status
from emulator.machine import Fault


class Table:
    """The entry points of a driver, each made when it is first asked for.

    table.cuMemAlloc(byref(address), 64) calls one from Python and returns its status.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.missing: dict[str, int] = {}
        self._made: dict[str, Any] = {}
        self._one_at_a_time = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cu"):
            raise AttributeError(name)
        return self.function(name)

    def function(self, name: str) -> Any:
        """Return an entry point as a C function; one that does not exist refuses to be called."""
        if name not in self._made:
            known = ENTRIES.get(name)
            types = known.types if known else ()
            call = self._calling(name, known.body) if known else self._missing(name)
            self._made[name] = ctypes.CFUNCTYPE(ctypes.c_int, *types)(call)
        return self._made[name]

    def address(self, name: str) -> int | None:
        """Return the address of an entry point for a program that looks it up."""
        return ctypes.cast(self.function(name), ctypes.c_void_p).value

    def _calling(self, name: str, body: Callable[..., None]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            with self._one_at_a_time:
                self.driver.calls[name] += 1
                return int(self._status(name, lambda: body(self.driver, *arguments)))

        return call

    def _status(self, name: str, call: Callable[[], None]) -> Status:
        try:
            call()
        except Refused as refused:
            if refused.status not in ANSWERS:
                self.driver.refusals.append(f"{name}: {refused}")
            return refused.status
        except Fault as fault:
            self.driver.report_fault(str(fault))
            return Status.LAUNCH_FAILED
        except Exception:
            self.driver.report_fault(f"{name} fails in the emulator:\n{traceback.format_exc()}")
            return Status.UNKNOWN
        return Status.SUCCESS

    def _missing(self, name: str) -> Callable[[], int]:
        def call() -> int:
            self.missing[name] = self.missing.get(name, 0) + 1
            self.driver.report_fault(f"the emulator has no {name}")
            return int(Status.NOT_SUPPORTED)

        return call
