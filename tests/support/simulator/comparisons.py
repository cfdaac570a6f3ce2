"""The number of comparisons of a run, printed at its end, over all of its processes."""

_LARGEST: dict[str, float] = {}
_COUNTS: dict[str, int] = {}


def note(kind: str, errors: dict[str, float]) -> None:
    """kind: the row's layer type.  errors: relative errors of the arrays compared, by name."""
    _COUNTS[kind] = _COUNTS.get(kind, 0) + len(errors)
    _LARGEST[kind] = max(_LARGEST.get(kind, 0.0), *errors.values())


def record() -> list[tuple[str, int, float]]:
    """Return for each kind the number of arrays compared and the largest error."""
    return [(kind, _COUNTS[kind], float(_LARGEST[kind])) for kind in _COUNTS]


def add(record) -> None:
    """Add another process's `record`."""
    for kind, count, largest in record:
        _COUNTS[kind] = _COUNTS.get(kind, 0) + count
        _LARGEST[kind] = max(_LARGEST.get(kind, 0.0), largest)


def lines() -> list[str]:
    if not _COUNTS:
        return []
    found = [f"{kind} {_LARGEST[kind]:.1e}" for kind in sorted(_LARGEST)]
    total = sum(_COUNTS.values())
    return [f"{total:,} arrays compared; largest relative errors: {', '.join(found)}"]
