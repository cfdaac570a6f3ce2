"""The size of the processor's second-level cache, for which kernels choose how much to do at once.

How much that is never changes a result.
"""

from pathlib import Path

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")  # of Linux
USUAL_BYTES = 2**20  # of a core, where the system does not tell
_UNITS = {"K": 2**10, "M": 2**20}


def second_level_bytes(caches: Path = CACHES) -> int:
    """Return the bytes of a core's second-level cache, or `USUAL_BYTES` if they are not known."""
    try:
        for cache in sorted(caches.glob("index*")):
            if (cache / "level").read_text("ascii").strip() == "2":
                size = (cache / "size").read_text("ascii").strip()
                return int(size[:-1]) * _UNITS[size[-1]]
    except (OSError, ValueError, LookupError):
        pass
    return USUAL_BYTES
