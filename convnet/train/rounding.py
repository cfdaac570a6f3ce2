"""Numbers as the journal shows them."""

from collections.abc import Mapping
from typing import Any


def rounded(value: float) -> float:
    """Return a number to six significant digits: people read journals."""
    return float(f"{value:.6g}")


def all_rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dictionary, of numbers or of such dictionaries, with its numbers rounded."""
    return {
        key: all_rounded(value) if isinstance(value, Mapping) else rounded(value)
        for key, value in values.items()
    }
