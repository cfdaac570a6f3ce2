"""Where the time of a training step goes: the steps of a trace, added up by layer and phase."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from convnet.display import harmless
from convnet.errors import DataError
from convnet.network.record import BETWEEN_DEVICES
from convnet.stored.files import plain_bytes
from convnet.stored.records import from_json

FILE_NAME = "trace.json"  # of a run's folder, where the page looks for it
COPIES = "copies"  # in the place of a layer
_LARGEST = 256 << 20  # bytes of a file; a step takes some 400
_Time = Annotated[float, msgspec.Meta(ge=0, le=1e15)]

# Microseconds by device, layer and phase; layers in the order in which they first run.
Times = dict[str, dict[str, dict[str, float]]]


class _Event(msgspec.Struct):
    """An event of a trace, as `convnet.network.trace` writes it; others have no phase."""

    ph: str
    name: str = ""
    cat: str = ""
    pid: Any = ""
    dur: _Time = 0.0


class _Trace(msgspec.Struct):
    events: list[_Event] = msgspec.field(name="traceEvents")


def read_layer_times(path: Path, layer_of: Callable[[str], str] = str) -> Times:
    """Return the times in a file that `convnet train --trace` wrote.

    Copies between devices are added up under the name `COPIES`, by the device that they write to.
    On a GPU, steps of several streams overlap: then the sum exceeds the time of the minibatch.

    Parameters:
        path: The file.
        layer_of: Returns the layer that a step's name belongs to.

    Raises:
        DataError: If it cannot be read, or is no such file.
    """
    trace = from_json(plain_bytes(path, _LARGEST), _Trace, path)
    found: Times = {}
    for event in trace.events:
        name, _, operation = event.name.rpartition(" ")
        if event.ph != "X" or not event.cat or not name:
            continue
        layer = COPIES if operation in BETWEEN_DEVICES else layer_of(name)
        phases = found.setdefault(str(event.pid), {}).setdefault(layer, {})
        phases[event.cat] = phases.get(event.cat, 0.0) + event.dur
    if not found:
        raise DataError(
            f"{harmless(str(path))}: holds no steps of a network; `convnet train --trace` writes "
            "such files"
        )
    return found
