"""The memory of a plan: buffers on devices, and views of them.  They hold no data."""

from dataclasses import dataclass, field, replace
from math import isqrt, prod

CASES, MERGED, FIXED = "cases", "merged", "fixed"


@dataclass(frozen=True, eq=False)
class Buffer:
    """A block of memory on one device.

    rows: values, or values per case when `per_case`.  dtype: "real" or a NumPy type name.
    role: activities, gradients, weights, weight gradients, velocity; kept (saved by forward for
    backward); arrivals (gradients of replicas before they are added); inputs (the loaded minibatch,
    on the host and on devices); controls (set by the host before each run); costs (read by the host
    after a run); state (changes rarely).
    """

    name: str
    device: int
    rows: int
    role: str
    per_case: bool = True
    dtype: str = "real"

    def values(self, cases: int) -> int:
        return self.rows * (cases if self.per_case else 1)

    def bytes(self, cases: int, real_bytes: int) -> int:
        sizes = {"real": real_bytes, "uint8": 1, "uint32": 4, "int32": 4, "float64": 8}
        return self.values(cases) * sizes[self.dtype]

    def view(self, *shape: int) -> "View":
        return View(self, 0, shape or (self.rows,), CASES if self.per_case else FIXED)


@dataclass(frozen=True)
class View:
    """Rows of a buffer, from `start` on, in a shape whose last dimension is the cases.

    tail: "cases" adds the dimension of the cases, "merged" multiplies them into the last one,
    "fixed" has none (weights).  planned: the buffer that the view was made of, if other values are
    in the same memory at other times.
    """

    buffer: Buffer
    start: int
    dims: tuple[int, ...]
    tail: str
    planned: Buffer | None = field(default=None, compare=False)

    @property
    def device(self) -> int:
        return self.buffer.device

    @property
    def size(self) -> int:
        return prod(self.dims)

    def shape(self, cases: int) -> tuple[int, ...]:
        if self.tail == CASES:
            return (*self.dims, cases)
        if self.tail == MERGED:
            return (*self.dims[:-1], self.dims[-1] * cases)
        return self.dims

    def shaped(self, *dims: int) -> "View":
        """The same values per case in another shape."""
        if prod(dims) != self.size:
            raise ValueError(f"{self.size} values of {self.name} cannot be seen as {dims}")
        return replace(self, dims=dims)

    def flat(self) -> "View":
        """(values, cases)"""
        return self.shaped(self.size)

    def merged(self, rows: int) -> "View":
        """(rows, all the rest times cases)"""
        return replace(self.shaped(rows, self.size // rows), tail=MERGED)

    def rows(self, start: int, count: int) -> "View":
        """Rows start .. start + count of the flat view."""
        return replace(self, start=self.start + start, dims=(count,))

    def same_memory(self, other: "View") -> bool:
        return (self.buffer, self.start, self.size) == (other.buffer, other.start, other.size)

    @property
    def name(self) -> str:
        return (self.planned or self.buffer).name

    def side(self, channels: int) -> int:
        return isqrt(self.size // channels)

    def __str__(self) -> str:
        dims = "x".join(map(str, self.dims)) + ("xN" if self.tail != FIXED else "")
        part = self.size < (self.planned or self.buffer).rows
        rows = f"[{self.start}:{self.start + self.size}]" if part else ""
        return f"{self.name}{rows}({dims})"
