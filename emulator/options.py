"""What is emulated, and how: one record, made from a command line or from EMULATOR_* variables."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

PREFIX = "EMULATOR_"
CAPABILITIES = ("8.0", "8.6", "8.9", "9.0", "10.0", "12.0")


class OptionError(ValueError):
    """An option that is not understood; the message is one line for the user."""


@dataclass(frozen=True)
class Options:
    """Options of the emulated GPUs.

    gpus: how many there are.  capability: their compute capability.  peers: whether each can access
    the others' memory.  seed: draws every order that CUDA leaves open; None: everything in its
    plain order.  late: work happens when the host waits for it, and not before.  races: look for
    threads that meet in memory without a barrier.  memory: bytes of each GPU.
    """

    gpus: int = 1
    capability: str = "8.0"
    peers: bool = True
    seed: int | None = None
    late: bool = False
    races: bool = True
    memory: int = 4 << 30

    def __post_init__(self) -> None:
        if not 1 <= self.gpus <= 16:
            raise OptionError(f"gpus: found {self.gpus}, expected 1 to 16")
        if self.capability not in CAPABILITIES:
            known = ", ".join(CAPABILITIES)
            raise OptionError(f"capability: found {self.capability!r}, expected one of {known}")
        if self.memory < 1 << 20:
            raise OptionError(f"memory: found {self.memory}, expected at least {1 << 20} bytes")

    @property
    def major_minor(self) -> tuple[int, int]:
        """The compute capability as numbers."""
        major, minor = self.capability.split(".")
        return int(major), int(minor)

    def environment(self) -> dict[str, str]:
        """Return the variables that `from_environment` reads, for processes that are started."""
        return {
            PREFIX + name.upper(): "" if value is None else str(value)
            for name, value in asdict(self).items()
        }


def from_environment(environment: Mapping[str, str] = os.environ) -> Options:
    """Return the options that EMULATOR_GPUS, EMULATOR_SEED ... give; OptionError if one is bad."""
    found: dict[str, Any] = {}
    for field in fields(Options):
        text = environment.get(PREFIX + field.name.upper(), "")
        if text:
            found[field.name] = _value(field.name, field.type, text)
    return Options(**found)


def _value(name: str, kind: object, text: str) -> object:
    if kind is str:
        return text
    if kind is bool:
        known = {"1": True, "true": True, "0": False, "false": False}
        if text.lower() not in known:
            raise OptionError(f"{PREFIX}{name.upper()}: found {text!r}, expected 0 or 1")
        return known[text.lower()]
    try:
        return int(text)
    except ValueError:
        problem = f"{PREFIX}{name.upper()}: found {text!r}, expected a whole number"
        raise OptionError(problem) from None
