"""The sizes of the parts: on a GPU, or in rehearsal, tiny and without a GPU."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REHEARSAL = "CONVNET_GPU_REHEARSAL"  # an environment variable
PRECISIONS = ("fp32", "tf32", "bf16")


@dataclass(frozen=True)
class Settings:
    """Sizes of the parts.

    rehearsal: all sizes are tiny; our engine runs on an emulated GPU.  PyTorch has none there, and
    is not timed.  cases: minibatches of the whole steps; the parts "sizes" and "layers" use the
    first.  divisor: of AlexNet's widths.  side: of its images.  rounds: of each timing.
    """

    rehearsal: bool = False
    cases: tuple[int, ...] = (128, 256, 1024)
    divisor: int = 1
    side: int = 224
    rounds: int = 7
    precisions: tuple[str, ...] = PRECISIONS
    torch_device: str = "cuda"


REHEARSED = Settings(True, (2, 3), 16, 67, 1, ("fp32", "bf16"), "cpu")


def settings() -> Settings:
    """Return the settings that the environment selects."""
    return REHEARSED if os.environ.get(REHEARSAL) else Settings()
