"""The machine: memory and its rules, thread blocks and their order, barriers, warps, launches."""

from emulator.machine.faults import Fault
from emulator.machine.limits import Launch
from emulator.machine.machine import Choices, Machine
from emulator.machine.memory.arena import Allocation, Arena
from emulator.machine.memory.generic import LOCAL_WINDOW, SHARED_WINDOW
from emulator.machine.observer import Observer
from emulator.machine.program import Program

__all__ = [
    "LOCAL_WINDOW",
    "SHARED_WINDOW",
    "Allocation",
    "Arena",
    "Choices",
    "Fault",
    "Launch",
    "Machine",
    "Observer",
    "Program",
]
