"""Views as bytes that go to another process, or come from it."""

import numpy as np


class Port:
    """A view whose own memory is sent or received."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def pack(self) -> None:
        """Do nothing: the values are there."""

    def unpack(self) -> None:
        """Do nothing: the values are there."""


class HalfPort:
    """A view that is sent as 16-bit floats; values beyond their range become infinite.

    It gives the bits of `transfer.copy_half`.
    """

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.array = np.zeros(values.shape, np.float16)

    def pack(self) -> None:
        """Round the view's values."""
        with np.errstate(over="ignore"):
            np.copyto(self.array, self._values, casting="same_kind")

    def unpack(self) -> None:
        """Set the view's values."""
        np.copyto(self._values, self.array)
