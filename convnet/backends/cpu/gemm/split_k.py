"""Into how many sums of their own the terms of a product are split."""

_MOST = 16


def splits_of(most: int) -> int:
    """Return a power of two: at most `most`, but at least 1.

    It depends on shapes alone, never on the number of threads, so that sums are rounded alike on
    any machine.  Threads are mostly as many or fewer, and share a power of two evenly.
    """
    return 1 << max(min(most, _MOST).bit_length() - 1, 0)
