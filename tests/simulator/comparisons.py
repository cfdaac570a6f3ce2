"""A count of the comparisons of this run, told at its end."""

_LARGEST: dict[str, float] = {}
_COUNTS: dict[str, int] = {}


def note(kind: str, errors: dict[str, float]) -> None:
    """kind: the row's layer type.  errors: relative errors of the arrays compared, by name."""
    _COUNTS[kind] = _COUNTS.get(kind, 0) + len(errors)
    _LARGEST[kind] = max(_LARGEST.get(kind, 0.0), *errors.values())


def lines() -> list[str]:
    if not _COUNTS:
        return []
    found = [f"{kind} {_LARGEST[kind]:.1e}" for kind in sorted(_LARGEST)]
    total = sum(_COUNTS.values())
    return [f"{total:,} arrays compared; largest relative errors: {', '.join(found)}"]
