"""A summary of a network as one object for scripts; `describe_table` prints it for people."""

from collections.abc import Callable

from convnet.backends.cpu.engine import unused
from convnet.distributed.placement import Placement
from convnet.errors import SpecError
from convnet.graph.build import HOST, Graph
from convnet.graph.place import Unit, copies
from convnet.graph.summary import layer_rows, parameter_count, totals
from convnet.memory import REAL_BYTES
from convnet.network.crossing import crossing_bytes
from convnet.network.plan import Plan
from convnet.network.planner import make_plan
from convnet.network.prune_buffers import leave_out
from convnet.report.scratch import scratch_bytes


def network_summary(graph: Graph, minibatch: int, ranks: tuple[int, ...] | None = None) -> dict:
    """Return a JSON-able object: the dialect, the layers in file order, and totals.

    `bytes_per_device` and `bytes_by_role` are the memory for training on `minibatch` cases in
    float32; `copies` are the transfers between devices in a forward pass; `crossing` is what a
    training step sends from device to device, in bytes by kind.  A graph that this version cannot
    run has a `note` instead, which says why.

    ranks: of several processes, those of devices 0, 1, ...  Then `ranks` holds the devices of each,
    their memory, and what it sends to others.  DeviceError if they do not fit the devices.
    """
    placement = Placement.of(graph.device_count, max(ranks) + 1, ranks) if ranks else None
    summary = {
        "dialect": {
            "name": graph.dialect.name,
            "title": graph.dialect.title,
            "because": graph.dialect.because,
        },
        "minibatch": minibatch,
        "layers": layer_rows(graph),
        **totals(graph),
    }
    try:
        plan = make_plan(graph, minibatch)
        leave_out(plan, unused)
    except SpecError as error:
        note = "; ".join(problem.message for problem in error.problems)
        return summary | {"note": f"no bytes and copies: {note}"}
    summary |= _placed(plan, summary["layers"])
    return summary | _of_ranks(plan, placement, summary) if placement else summary


def _placed(plan: Plan, rows: list[dict]) -> dict:
    """Return the facts that depend on devices; add `parameters` and `bytes` to each row."""
    by_role = {device: dict(roles) for device, roles in plan.bytes(REAL_BYTES).items()}
    for device, size in scratch_bytes(plan).items():
        by_role[device]["scratch"] = size
    by_layer = layer_bytes(plan)
    for row in rows:
        row["parameters"] = parameter_count(plan.graph.node(row["name"]))
        row["bytes"] = by_layer.get(row["name"], 0)
    host = by_role.pop(HOST, {})
    return {
        "bytes_per_device": {str(d): sum(by_role[d].values()) for d in sorted(by_role)},
        "bytes_by_role": {str(d): by_role[d] for d in sorted(by_role)},
        "host_bytes": sum(host.values()),
        "copies": [_copy(unit, plan.capacity) for unit in copies(plan.units)],
        "crossing": _crossing(plan, lambda device: device),
    }


def _of_ranks(plan: Plan, placement: Placement, summary: dict) -> dict:
    devices = [placement.devices_of(rank) for rank in range(placement.size)]
    sizes = summary["bytes_per_device"]
    memory = [sum(sizes.get(str(device), 0) for device in mine) for mine in devices]
    crossing = _crossing(plan, lambda device: placement.ranks[device])
    return {"ranks": {"devices": devices, "bytes": memory, "crossing": crossing}}


def _crossing(plan: Plan, place_of: Callable[[int], int]) -> list[dict]:
    return [
        {"from": source, "to": target, **kinds, "total": sum(kinds.values())}
        for (source, target), kinds in sorted(crossing_bytes(plan, place_of).items())
    ]


def _copy(unit: Unit, cases: int) -> dict:
    source = unit.inputs[0].device
    return {
        "layer": declared_name(unit),
        "from": _place(source),
        "to": unit.device,
        "bytes": unit.shape.size * cases * REAL_BYTES,
        "readers": list(dict.fromkeys(declared_name(reader) for reader in unit.consumers)),
    }


def _place(device: int) -> str | int:
    return "host" if device == HOST else device


def declared_name(unit: Unit) -> str:
    """Return the layer in the file that a unit belongs to."""
    return (unit.node.declared_in or unit.node).name


def layer_bytes(plan: Plan) -> dict[str, int]:
    """Return the bytes of each layer in the file: activities, gradients, weights, saved values.

    Memory that several layers share counts once, for the layer it is named after; copies on other
    devices are left out.
    """
    owners = {unit.name: None if unit.is_copy else declared_name(unit) for unit in plan.units}
    found: dict[str, int] = {}
    for buffer in plan.buffers:
        owner = owner_of(buffer.name, owners)
        if owner is not None:
            size = buffer.bytes(plan.capacity, REAL_BYTES)
            found[owner] = found.get(owner, 0) + size
    return found


def owner_of(buffer_name: str, owners: dict[str, str | None]) -> str | None:
    """Return the owner of the unit that a buffer is named after; None if there is none.

    A buffer is named unit.part; names of units may contain dots too.
    """
    name = buffer_name
    while name and name not in owners:
        name = name.rpartition(".")[0]
    return owners.get(name)
