"""Which rank has which device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convnet.errors import DeviceError
from convnet.network.memory import Buffer
from convnet.network.record import BETWEEN_DEVICES, Step

HOST = -1


@dataclass(frozen=True)
class Placement:
    """ranks: the rank of each device of the network.  size: how many ranks there are."""

    ranks: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, devices: int, size: int, given: Sequence[int] | None = None) -> "Placement":
        """Return the placement of so many devices.

        given: the rank of each device; None: device d is on rank d modulo `size`.

        Raises:
            DeviceError: If a rank would have no device, or if there is no such rank.
        """
        if size > devices:
            raise DeviceError(
                f"the network has {_counted(devices, 'device')}, and there are {size} ranks: start "
                f"at most {devices} (mpiexec -n {devices}), or give its layers more devices (gpu=)"
            )
        ranks = tuple(given) if given else tuple(device % size for device in range(devices))
        if len(ranks) < devices:
            raise DeviceError(
                f"the network has {_counted(devices, 'device')}; --ranks names the ranks of "
                f"{len(ranks)} ({_listed(ranks)}). Give {devices}"
            )
        ranks = ranks[:devices]
        if max(ranks) >= size:
            raise DeviceError(
                f"--ranks {_listed(ranks)} names rank {max(ranks)}; there are {size}, from 0: "
                f"start more (mpiexec -n {max(ranks) + 1}), or name others"
            )
        idle = sorted(set(range(size)) - set(ranks))
        if idle:
            raise DeviceError(
                f"--ranks {_listed(ranks)} leaves rank {idle[0]} of {size} without a device: start "
                "fewer (mpiexec -n), or name it"
            )
        return cls(ranks, size)

    def rank_of(self, device: int) -> int | None:
        """Return the rank of a device; None for the host, which is at every rank."""
        return None if device == HOST else self.ranks[device]

    def devices_of(self, rank: int) -> list[int]:
        """Return the devices of a rank."""
        return [device for device, owner in enumerate(self.ranks) if owner == rank]

    def crosses(self, step: Step) -> bool:
        """Return whether a step is a copy between devices of two ranks."""
        if step.operation not in BETWEEN_DEVICES:
            return False
        source, target = (self.rank_of(view.device) for view in step.views())
        return source is not None and target is not None and source != target

    def host_readers(self, programs: Mapping[str, Sequence[Step]]) -> dict[Buffer, set[int]]:
        """Return, for each buffer of the host that a device reads, the ranks of its readers."""
        readers: dict[Buffer, set[int]] = {}
        for step in (step for steps in programs.values() for step in steps):
            rank = self.rank_of(step.device)
            for view in step.views():
                if view.device == HOST and rank is not None:
                    readers.setdefault(view.buffer, set()).add(rank)
        return readers


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _listed(ranks: Sequence[int]) -> str:
    return ",".join(map(str, ranks))
