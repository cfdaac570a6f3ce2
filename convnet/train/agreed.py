"""What several processes of a run do alike, whichever of them a signal or bad data has reached."""

from collections.abc import Callable
from typing import TypeVar

from convnet.distributed.group import Group
from convnet.errors import DataError
from convnet.train.signals import Interrupted, Signals

T = TypeVar("T")


class SharedDataError(DataError):
    """Data that one process could not read, raised in all of them at the same place."""


def wait_together(group: Group, signals: Signals, wait: Callable[[], T]) -> T:
    """Return what `wait` returns, a minibatch; signals may interrupt the wait.

    In a group, all processes are interrupted if one was, and all raise the DataError of one.
    """
    if group.size == 1:
        with signals.interruptible():
            return wait()
    found: list[T] = []
    problem: DataError | None = None
    try:
        with signals.interruptible():
            found.append(wait())
    except Interrupted:
        pass
    except DataError as error:
        problem = error
    stop, failed = group.agree(signals.caught or 0, group.rank + 1 if problem else 0)
    if failed:
        raise SharedDataError(group.share(str(problem or ""), failed - 1))
    if stop:
        signals.settle(stop, False)
        raise Interrupted
    return found[0]


def settle_requests(group: Group, signals: Signals, is_retry_due: bool) -> bool:
    """Agree on the signals since the last call; return whether any process has to save again."""
    if group.size == 1:
        return is_retry_due
    wanted = signals.caught or 0, int(signals.wants_save), int(is_retry_due)
    stop, save, retry = group.agree(*wanted)
    signals.settle(stop, bool(save))
    return bool(retry)
