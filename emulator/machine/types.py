"""Names of the arrays' types."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Int64s: TypeAlias = NDArray[np.int64]
Integers: TypeAlias = NDArray[np.integer[Any]]
Mask: TypeAlias = Literal[True] | Bools  # the threads that run something: all, or those chosen
Sides: TypeAlias = tuple[int, int, int]  # x, y, z
