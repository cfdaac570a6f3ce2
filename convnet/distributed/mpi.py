"""Messages by MPI, through mpi4py (the extra `mpi`)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from convnet.display import harmless
from convnet.distributed.launcher import Launched
from convnet.errors import ConvnetError

_MOST = 1 << 30  # bytes of one message: counts of older MPI libraries end at 2^31


class MpiRequest:
    """One message, or one call that all ranks make."""

    def __init__(self, begin: Any, error: type[Exception]) -> None:
        self._begin, self._error = begin, error
        self._running: Any = None

    def start(self) -> None:
        """Begin."""
        try:
            self._running = self._begin()
        except self._error as problem:
            raise _lost(problem) from None

    def is_done(self) -> bool:
        """Return whether it is over."""
        if self._running is not None:
            try:
                if self._running.Test():
                    self._running = None
            except self._error as problem:
                raise _lost(problem) from None
        return self._running is None


class MpiParts:
    """A message in several parts, each of them prepared once."""

    def __init__(self, parts: list[Any], mpi: Any) -> None:
        self._parts, self._mpi, self._error = parts, mpi, mpi.Exception
        self._left: list[Any] = []

    def start(self) -> None:
        """Begin."""
        try:
            for part in self._parts:
                part.Start()
        except self._error as problem:
            raise _lost(problem) from None
        self._left = list(self._parts)

    def is_done(self) -> bool:
        """Return whether all parts are over."""
        try:
            self._left = [part for part in self._left if not part.Test()]
        except self._error as problem:
            raise _lost(problem) from None
        return not self._left

    def __del__(self) -> None:
        if not self._left and not self._mpi.Is_finalized():
            for part in self._parts:
                part.Free()


def _lost(problem: Exception) -> ConvnetError:
    return ConvnetError(f"a message to or from another rank failed ({problem})")


class MpiTransport:
    """All processes that mpiexec started together.

    Raises:
        ConvnetError: If mpi4py or its library is missing, or does not know this launcher.
    """

    def __init__(self, launched: Launched) -> None:
        mpi = _initialized()
        world = mpi.COMM_WORLD
        if world.size != launched.size:
            raise ConvnetError(
                f"the launcher started {launched.size} processes, and MPI knows of {world.size}: "
                "mpi4py uses another MPI library than the launcher. Use the mpiexec that belongs "
                "to it (docs/distributed.md)"
            )
        self.rank, self.size = world.rank, world.size
        self._mpi, self._error = mpi, mpi.Exception
        self._programs, self._others = world.Dup(), world.Dup()

    def send(self, array: np.ndarray, to: int, tag: int) -> MpiParts:
        """Return the request that sends an array."""
        parts = [self._programs.Send_init(part, to, tag) for part in self._parts(array)]
        return MpiParts(parts, self._mpi)

    def receive(self, array: np.ndarray, source: int, tag: int) -> MpiParts:
        """Return the request that an array arrives by."""
        parts = [self._programs.Recv_init(part, source, tag) for part in self._parts(array)]
        return MpiParts(parts, self._mpi)

    def broadcast(self, array: np.ndarray, root: int) -> MpiRequest:
        """Return the request that brings the array of one rank to all."""
        spec = [array, array.nbytes, self._mpi.BYTE]
        return MpiRequest(lambda: self._others.Ibcast(spec, root), self._error)

    def maximum(self, numbers: np.ndarray) -> MpiRequest:
        """Return the request after which `numbers` are the largest of all ranks', one by one."""
        mpi = self._mpi
        return MpiRequest(
            lambda: self._others.Iallreduce(mpi.IN_PLACE, numbers, mpi.MAX), self._error
        )

    def finish(self) -> None:
        """Leave MPI; nothing may be under way."""
        if not self._mpi.Is_finalized():
            self._mpi.Finalize()

    def abort(self, code: int) -> None:
        """End all ranks with an exit code; does not return.

        Hydra, the launcher of MPICH, ends all when one exits with an error, and says nothing more.
        """
        if "PMI_FD" not in os.environ and "HYDI_CONTROL_FD" not in os.environ:
            self._mpi.COMM_WORLD.Abort(code)
        os._exit(code)

    def _parts(self, array: np.ndarray) -> list[Any]:
        flat = array.reshape(-1).view(np.uint8)
        starts = range(0, max(flat.size, 1), _MOST)
        return [[flat[start : start + _MOST], self._mpi.BYTE] for start in starts]


def _initialized() -> Any:
    """Return mpi4py's module with MPI initialized; ConvnetError if there is none."""
    try:
        import mpi4py

        mpi4py.rc.initialize = mpi4py.rc.finalize = False
        from mpi4py import MPI
    except ImportError as error:
        raise ConvnetError(
            f"several processes need MPI ({_first_line(error)}): pip install 'convnet[mpi]', or "
            "mpi4py built for the MPI of this machine; one process, without mpiexec, needs neither"
        ) from None
    except RuntimeError as error:  # mpi4py is there, and no library of MPI
        raise ConvnetError(
            f"mpi4py finds no MPI library ({_first_line(error)}): pip install mpich, or load the "
            "machine's own (docs/distributed.md)"
        ) from None
    if not MPI.Is_initialized():
        MPI.Init_thread(MPI.THREAD_FUNNELED)
    return MPI


def _first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return harmless(str(error).partition("\n")[0])
