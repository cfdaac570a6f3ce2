"""Into how many sums of their own the terms of a product are split."""

_TASKS = 16  # of all groups


def splits_of(groups: int, most: int) -> int:
    """Return the splits of each group's product, a power of two: at most `most`, at least 1.

    It depends on shapes alone, never on the number of threads, so that sums are rounded alike on
    any machine.  Threads are mostly as many as the tasks of all groups or fewer, and share a power
    of two evenly.
    """
    return 1 << max(min(most, _TASKS // groups).bit_length() - 1, 0)
