"""Views of a GPU's memory as bytes of the host that go to another process, or come from it."""

from typing import Any

import numpy as np

from convnet.network.memory import View


class Port:
    """A view with pinned memory of the host beside it.

    engine: the view's.  memory: pinned, uint8.  half: whether the values go as 16-bit floats;
    then values beyond their range become infinite, as in `transfer.copy_half`.
    """

    def __init__(self, engine: Any, view: View, cases: int, memory: np.ndarray, half: bool) -> None:
        self._engine, self._view, self._cases = engine, view, cases
        self.array = memory.view(np.float16 if half else engine.dtype_of(view))

    def pack(self) -> None:
        """Wait for the programs, and bring the view's values to the host."""
        with np.errstate(over="ignore"):
            self.array[:] = self._engine.read(self._view, self._cases).reshape(-1)

    def unpack(self) -> None:
        """Wait for the programs, and bring the values to the view."""
        shape = self._view.shape(self._cases)
        values = self.array.astype(self._engine.dtype_of(self._view), copy=False)
        self._engine.write(self._view, self._cases, values.reshape(shape))
