"""What a kernel does and must not."""

from dataclasses import dataclass

from emulator.machine.types import Sides


@dataclass
class Fault(Exception):
    """A broken rule: what, in which kernel, and where known the PTX text, block and thread.

    seed, launch: what repeats the run (seed None: the plain order).
    """

    kernel: str
    what: str
    text: str = ""
    block: Sides | None = None
    thread: Sides | None = None
    seed: int | None = None
    launch: int = 0

    def __str__(self) -> str:
        parts = [f"{self.kernel}: {self.what}"]
        if self.text:
            parts.append(f"at `{self.text}`")
        if self.block is not None:
            parts.append(f"block {self.block}")
        if self.thread is not None:
            parts.append(f"thread {self.thread}")
        order = "plain order" if self.seed is None else f"seed {self.seed}"
        return ", ".join(parts) + f" (launch {self.launch}, {order})"
