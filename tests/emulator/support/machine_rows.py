"""Checks of the instructions that the machine executes: they call it with the right values.

MACHINE_ROWS: a check for each opcode; it executes the instruction on a stand-in for the machine.
"""

from collections.abc import Callable

import numpy as np

from tests.emulator.support.rows import expanded

COUNT = 64
MASKS = (True, np.arange(COUNT) % 3 != 1)
MACHINE_ROWS: dict[str, Callable[[str], None]] = {}


def checks(*patterns):
    """Return a decorator that enters a check for the opcodes of patterns."""

    def enter(check):
        MACHINE_ROWS.update({op: check for pattern in patterns for op in expanded(pattern)})

    return enter


def braces(names):
    return names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"


class Recorder:
    """A function of the machine: it notes what it is given and returns what it was made with."""

    def __init__(self, found=None):
        self.found, self.given = found, []

    def __call__(self, *given):
        self.given.append(given)
        return self.found
