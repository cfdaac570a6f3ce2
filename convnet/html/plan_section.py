"""What the plan of a run's network says: memory of each device, bytes sent between them."""

from collections.abc import Mapping
from typing import Any

from convnet.errors import ConvnetError
from convnet.graph.build import Graph
from convnet.html import elements
from convnet.html.bars import Bar, bars
from convnet.network.crossing import KINDS
from convnet.report.describe import network_summary
from convnet.report.describe_table import short_count

_SMALL = 1e-3  # share of a device's memory below which roles are added up as "other"


def plan_section(graph: Graph, minibatch: int) -> tuple[str, str]:
    """Return the memory of each device and the copies of a step, as HTML; "" without a plan."""
    try:
        summary = network_summary(graph, minibatch)
    except ConvnetError:
        return "", ""
    return ("", "") if "note" in summary else (_memory(summary), _copies(summary))


def _memory(summary: Mapping[str, Any]) -> str:
    rows = [
        Bar(f"device {device}", _roles(by_role))
        for device, by_role in summary["bytes_by_role"].items()
    ]
    words = (
        f"<p>Planned for training on minibatches of {summary['minibatch']:,} cases, in float32.</p>"
    )
    return words + bars(rows, lambda size: f"{short_count(round(size))}B")


def _roles(by_role: Mapping[str, int]) -> list[tuple[str, float]]:
    least = _SMALL * sum(by_role.values())
    large = {role: float(size) for role, size in by_role.items() if size >= least}
    order = sorted(large, key=lambda role: -large[role])
    rest = float(sum(by_role.values())) - sum(large.values())
    return [*((role, large[role]) for role in order), ("other", rest)]


def _copies(summary: Mapping[str, Any]) -> str:
    pairs = summary["crossing"]
    if not pairs:
        return ""
    shown = [kind for kind in KINDS if any(pair[kind] for pair in pairs)]
    rows = [
        (
            f"device {pair['from']}",
            f"device {pair['to']}",
            *(f"{short_count(pair[kind])}B" for kind in (*shown, "total")),
        )
        for pair in pairs
    ]
    size = short_count(sum(pair["total"] for pair in pairs))
    words = f"<p>Devices send each other {size}B in a training step of a full minibatch.</p>"
    return words + elements.table(("from", "to", *shown, "total"), rows, kind="numbers")
