"""Bars of the time that each layer takes in a training step."""

from collections.abc import Mapping

from convnet.graph.build import Graph
from convnet.html import elements
from convnet.html.bars import Bar, bars
from convnet.report.layer_times import Times

PHASES = ("load", "forward", "backward", "update")
_WORDS = (
    "<p>The steps of one minibatch, by layer. On GPUs, steps of several streams overlap, so that "
    "their times add up to more than the minibatch takes.</p>"
)


def time_section(times: Times) -> str:
    """Return the bars of each device as HTML."""
    parts = [_WORDS]
    for device, layers in times.items():
        rows = [Bar(layer, _phases(phases)) for layer, phases in layers.items()]
        total = sum(row.total for row in rows)
        parts += [f"<h4>{elements.text(device)}: {milliseconds(total)}</h4>"]
        parts += [bars(rows, milliseconds)]
    return "\n".join(parts)


def declared_layers(graph: Graph) -> dict[str, str]:
    """Return the layer in the file of each node: a `neuron=` key has a node of its own."""
    return {node.name: (node.declared_in or node).name for node in graph.nodes}


def milliseconds(value: float) -> str:
    """Return microseconds as text: "12.3 ms"."""
    return f"{value / 1e3:,.3g} ms" if value < 1e6 else f"{value / 1e3:,.0f} ms"


def _phases(phases: Mapping[str, float]) -> list[tuple[str, float]]:
    """All phases in their order, so that their colors are the same in every bar."""
    known = [(phase, phases.get(phase, 0.0)) for phase in PHASES]
    return known + [item for item in phases.items() if item[0] not in PHASES]
