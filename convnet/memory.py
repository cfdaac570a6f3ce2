"""Bytes: of a number, and of the machine's memory."""

import os

REAL_BYTES = 4  # of a float32


def machine_memory() -> int | None:
    """Return the bytes of this machine's memory; None where the system does not report them."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
