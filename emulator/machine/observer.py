"""Who may watch a run, for counters."""

from typing import Protocol

from emulator.machine.types import Int64s, Mask


class Observer(Protocol):
    """Is told of every access and every basic block that some threads run."""

    def access(
        self, kernel: str, space: str, kind: str, addresses: Int64s, size: int, active: Mask
    ) -> None:
        """kind: "load", "store" or "copy"; addresses: of all threads, warp by warp; size: bytes a
        thread."""

    def block(self, kernel: str, number: int, active: int) -> None:
        """`active` threads run basic block `number`."""
