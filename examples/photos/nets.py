"""The nets that are trained on photographs: the paper's, and two to compare it with."""

from dataclasses import dataclass

from examples.stages import Stage


@dataclass(frozen=True)
class Net:
    """A shipped net, and how it is trained.

    layers: its name.  last: the layer whose outputs are the classes.  features: the last hidden
    layer.  devices: as --gpu takes them; None: one device.  changes: of its layer file, as --set
    takes them.  about: a line for the table.
    """

    name: str
    layers: str
    about: str
    devices: str | None = None
    changes: tuple[str, ...] = ()
    last: str = "fc8"
    features: str = "fc7"


# The paper's recipe (section 5) at the length that a few thousand photographs allow: the rates of
# the parameter file, divided by 10 twice.
STAGES = (Stage(20), Stage(25, divisor=10), Stage(30, divisor=100))

# `filters` counts those of one group.
_FILTERS = {"conv2": 256, "conv4": 384, "conv5": 256}
_UNDIVIDED = tuple(
    change
    for layer, filters in _FILTERS.items()
    for change in (f"{layer}.groups=1", f"{layer}.filters={filters}")
)

NETS = (
    Net("alexnet", "alexnet", "on two devices, as in the paper", devices="0,1"),
    Net("groups", "alexnet-groups", "the same connections as groups on one device"),
    Net(
        "undivided", "alexnet-groups", "control: every filter reads the maps of both halves",
        changes=_UNDIVIDED,
    ),
)  # fmt: skip

BY_NAME = {net.name: net for net in NETS}
