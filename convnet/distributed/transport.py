"""How ranks exchange bytes.  `mpi.py` does it by MPI; another library could be a second one."""

from typing import Protocol

import numpy as np


class Request(Protocol):
    """A message on fixed memory that can be sent, or received, again and again."""

    def start(self) -> None:
        """Begin; the memory must not be touched until `is_done`."""
        ...

    def is_done(self) -> bool:
        """Return whether it is sent or has arrived.  Calling it brings all messages forward."""
        ...


class Transport(Protocol):
    """Messages between ranks.  Nothing here waits: `waiting.py` does.

    Arrays are contiguous, and their memory stays where it is.  Two messages between the same ranks
    with the same tag arrive in the order in which they are started.
    """

    rank: int
    size: int

    def send(self, array: np.ndarray, to: int, tag: int) -> Request:
        """Return the request that sends an array."""
        ...

    def receive(self, array: np.ndarray, source: int, tag: int) -> Request:
        """Return the request that an array arrives by."""
        ...

    def broadcast(self, array: np.ndarray, root: int) -> Request:
        """Return the request that brings the array of one rank to all; all ranks start it."""
        ...

    def maximum(self, numbers: np.ndarray) -> Request:
        """Return the request after which `numbers` are the largest of all ranks', one by one."""
        ...
