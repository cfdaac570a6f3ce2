"""Lines about what a listing or a survey leaves out."""

from collections import defaultdict
from collections.abc import Iterable

from convnet.display import harmless

_SHOWN = 5  # names in a line


def remark_lines(passed_over: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each kind of remark: how many there are, and the first names.

    passed_over: name of what is left out, and "kind" or "kind: details".
    """
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, why in passed_over:
        kind, _, details = why.partition(": ")
        by_kind[kind].append(f"{name} ({details})" if details else name)
    return [f"skipped, {kind}: {len(names):,}: {_first(names)}" for kind, names in by_kind.items()]


def _first(names: list[str]) -> str:
    more = f"; and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return harmless("; ".join(names[:_SHOWN])) + more
