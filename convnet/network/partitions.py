"""How the replicas of a parameter share its update: each updates a part of it, its partition."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from convnet.arithmetic import ceil_div
from convnet.graph.place import Unit
from convnet.layers.base import UpdateArrays
from convnet.network.memory import View

VELOCITY = "velocity"


@dataclass(frozen=True)
class Partitioning:
    """How many values a partition has.

    rows: partitions begin at multiples of it.  It keeps small parameters in one piece, because a
    message takes some time however short it is, and lets kernels read whole vectors; 4096 values
    are 16 KB.  most: limits the number of partitions; None: as many as replicas.
    """

    rows: int = 4096
    most: int | None = None

    def ranges(self, size: int, replicas: int) -> list[tuple[int, int]]:
        """Return the start and the number of values of each partition, replica by replica.

        They cover `size` values in order, and their lengths differ by `rows` at most.  There are
        fewer than replicas where there is not enough to share out.
        """
        blocks = ceil_div(size, self.rows)
        count = min(replicas, blocks, self.most or replicas)
        bounds = [ceil_div(blocks * number, count) * self.rows for number in range(count)]
        return [
            (start, min(end, size) - start)
            for start, end in zip(bounds, [*bounds[1:], size], strict=True)
        ]


ONE_EACH = Partitioning()


@dataclass(eq=False)
class Partition:
    """The values of a parameter that one replica updates, and what the update reads and writes.

    unit: the replica.  start: the first value; size: their number.  value: in the replica's array.
    gradient: where the sum over the replicas is.  hyper: [momentum, rate / cases, rate * decay],
    set before each step.  state: what updates maintain: the velocity, and the moments of the
    gradient, by name.  arrivals: where the values of other replicas' gradients arrive, by unit.
    """

    unit: Unit
    start: int
    value: View
    gradient: View
    hyper: View
    state: Mapping[str, View]
    arrivals: Mapping[Unit, View] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.value.size

    def of(self, whole: View) -> View:
        """The partition's values in an array of the whole parameter."""
        return values_of(whole, self.start, self.size)

    def update_arrays(self) -> UpdateArrays:
        """The arrays that the update reads and writes."""
        moments = {name: view for name, view in self.state.items() if name != VELOCITY}
        velocity = self.state[VELOCITY]
        return UpdateArrays(self.value, self.gradient, velocity, self.hyper, moments)


def values_of(whole: View, start: int, size: int) -> View:
    """Some values of an array: the array in its shape if it is all of them, else a flat view."""
    return whole if whole.size == size else whole.rows(start, size)
