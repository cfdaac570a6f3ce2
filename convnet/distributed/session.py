"""The group that this process belongs to; there is at most one."""

import faulthandler
import os
import threading
import time

from convnet.distributed.group import Alone, Ranks
from convnet.distributed.launcher import Launched, launched

_LOOK = 1.0  # seconds between looks at the launcher

_current: Alone | Ranks = Alone()


def join(timeout: float) -> Alone | Ranks:
    """Return the group of the processes that were launched together; wait until all are there.

    timeout: seconds that a rank waits for another one.

    Raises:
        ConvnetError: If there are several and MPI is missing.
    """
    global _current
    here = launched(os.environ)
    if here.size > 1 and _current.size == 1:
        _current = _joined(here, timeout)
    return _current


def current() -> Alone | Ranks:
    """Return the group that was joined."""
    return _current


def _joined(here: Launched, timeout: float) -> Ranks:
    from convnet.distributed.mpi import MpiTransport

    _end_with_the_launcher()
    with open(os.devnull, "w") as nowhere:
        # Python's threads stand still while MPI waits for all processes to start.
        faulthandler.dump_traceback_later(timeout, exit=True, file=nowhere)
        transport = MpiTransport(here)
        faulthandler.cancel_dump_traceback_later()
    return Ranks(transport, timeout)


def _end_with_the_launcher() -> None:
    """End this process if the one that started it is gone: nobody would end it otherwise."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=look, name="convnet-launcher", daemon=True).start()
