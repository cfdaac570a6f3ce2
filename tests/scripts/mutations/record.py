"""One injected defect."""

from dataclasses import dataclass, field

ROWS = "tests/emulated/test_rows.py"
PRODUCTS = "tests/emulated/test_products.py"
GPU = "convnet/backends/cuda/"


@dataclass(frozen=True)
class Mutation:
    """In `file`, `old`, which stands there once, becomes `new`; one of `tests` must fail then.

    environment: of the tests.  emulated: they need the emulator's plugin.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    emulated: bool = True


def rows(*names: str) -> tuple[str, ...]:
    """Return the tests of rows of the table of cases."""
    return tuple(f"{ROWS}::test_row[{name}]" for name in names)
