"""Prints the description of a network: a table of its layers and copies, and totals."""

from typing import TextIO

from rich.console import Console
from rich.table import Table

from convnet.graph.build import Graph
from convnet.graph.summary import neuron_text
from convnet.layers.norm import Normalization
from convnet.network.crossing import KINDS

WIDTH = 100


def console(file: TextIO | None = None) -> Console:
    """Return the console for descriptions: in color on a terminal, else plain, 100 columns wide.

    file: where it prints; by default standard output.
    """
    found = Console(file=file, highlight=False)
    return found if found.is_terminal else Console(file=file, highlight=False, width=WIDTH)


def print_description(graph: Graph, summary: dict, out: Console) -> None:
    """Print the result of `network_summary` for a graph."""
    dialect = summary["dialect"]
    name = dialect["name"] if dialect["name"] != dialect["title"] else "our own"
    text = f"dialect: {dialect['title']} ({name}), because {dialect['because']}"
    out.print(text, markup=False)
    out.print()
    out.print(layer_table(graph, summary))
    out.print()
    for line in [*norm_lines(graph), *total_lines(summary)]:
        out.print(line, markup=False)
    if "note" not in summary:
        out.print()
        out.print(memory_table(summary))
    if summary.get("crossing"):
        out.print()
        out.print("sent to other devices in a training step:", markup=False)
        out.print()
        out.print(crossing_table(summary["crossing"], "device"))
    if summary.get("ranks"):
        _print_ranks(summary["ranks"], out)


def _print_ranks(found: dict, out: Console) -> None:
    out.print()
    for rank, (devices, size) in enumerate(zip(found["devices"], found["bytes"], strict=True)):
        listed = ", ".join(map(str, devices))
        out.print(f"rank {rank}: devices {listed}, {short_count(size)} bytes", markup=False)
    if found["crossing"]:
        out.print()
        out.print("sent to other ranks in a training step:", markup=False)
        out.print()
        out.print(crossing_table(found["crossing"], "rank"))


# -- the table -----------------------------------------------------------------------------------


def layer_table(graph: Graph, summary: dict) -> Table:
    """Return a table of the layers in file order, each copy above the layer that reads it first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("layer", overflow="fold", max_width=24)
    table.add_column("type", overflow="fold", max_width=20)
    table.add_column("on", no_wrap=True)
    table.add_column("input → output", overflow="fold", max_width=34)
    for title in ("parameters", "MACs", "bytes"):
        table.add_column(title, justify="right", no_wrap=True)
    rows = {row["name"]: row for row in summary["layers"]}
    waiting = list(summary.get("copies", ()))
    for row in summary["layers"]:
        for copy in [copy for copy in waiting if copy["readers"][0] == row["name"]]:
            waiting.remove(copy)
            _add_copy(table, copy, rows)
        _add_layer(table, graph, row, rows)
    return table


def _add_layer(table, graph, row, rows):
    neuron = neuron_text(graph, graph.node(row["name"]))
    table.add_row(
        row["name"],
        row["type"] + (f" {neuron}" if neuron else ""),
        "host" if row["placed"] == "host" else ",".join(map(str, row["placed"])),
        _shapes(row, rows),
        f"{row['parameters']:,}" if row.get("parameters") else "",
        short_count(row["operations"]) if row["operations"] else "",
        short_count(row["bytes"]) if row.get("bytes") else "",
    )


def _add_copy(table, copy, rows):
    text = f"→ {copy['layer']} to device {copy['to']}"
    source = "host" if copy["from"] == "host" else f"device {copy['from']}"
    shape = shape_text(rows[copy["layer"]]["shape"])
    size = short_count(copy["bytes"])
    table.add_row(text, f"from {source}", str(copy["to"]), shape, "", "", size, style="dim")


def _shapes(row, rows) -> str:
    shapes = [shape_text(rows[name]["shape"]) for name in row["inputs"] if name in rows]
    counted = {shape: shapes.count(shape) for shape in shapes}
    inputs = [f"{count}·{shape}" if count > 1 else shape for shape, count in counted.items()]
    output = shape_text(row["shape"]) or "cost"
    return f"{' + '.join(inputs)} → {output}" if inputs else output


def shape_text(shape: list[int]) -> str:
    """Return a shape as text: 3x224x224, or 4096 for flat values."""
    flat = len(shape) == 3 and shape[1] == shape[2] == 1
    return str(shape[0]) if flat else "x".join(map(str, shape))


def short_count(count: float) -> str:
    """Return a number with a unit prefix: 1.28 G for 1,275,507,720; at least three digits."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            value = count / size
            return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {letter}"
    return str(count)


# -- below the table -----------------------------------------------------------------------------


def norm_lines(graph: Graph) -> list[str]:
    """Return the effective alpha of each normalization: `scale` divided by the window size."""
    found: dict[str, list[str]] = {}
    for node in graph.declared():
        layer = node.layer
        if isinstance(layer, Normalization) and graph.params_file is not None:
            window = (
                f"size {layer.size}" if layer.window_dimensions == 1 else f"size² {layer.size**2}"
            )
            alpha = f"scale {layer.scale:g} / {window} = alpha {layer.effective_scale:.6g}"
            found.setdefault(f"{alpha}, k {layer.k:g}, beta {layer.pow:g}", []).append(node.name)
    return [f"{', '.join(names)}: {text}" for text, names in found.items()]


def total_lines(summary: dict) -> list[str]:
    """Return the lines on parameters, multiply-adds and copies."""
    lines = [
        f"parameters: {summary['parameters']:,}",
        f"multiply-adds (MACs): {summary['operations']:,} per case in the forward pass",
    ]
    if "note" in summary:
        return [*lines, summary["note"]]
    loaded = [copy["bytes"] for copy in summary["copies"] if copy["from"] == "host"]
    moved = [copy["bytes"] for copy in summary["copies"] if copy["from"] != "host"]
    return [
        *lines,
        f"copies in the forward pass, per minibatch: {len(loaded)} from the host, "
        f"{short_count(sum(loaded))}B; {len(moved)} between devices, {short_count(sum(moved))}B",
        f"memory for training on minibatches of {summary['minibatch']}, in float32:",
    ]


def memory_table(summary: dict) -> Table:
    """Return a table of the memory of each device by role; roles below 0.1 % are left out."""
    by_role, totals = summary["bytes_by_role"], summary["bytes_per_device"]
    roles: dict[str, None] = {}
    for device, total in totals.items():
        roles |= {role: None for role, size in by_role[device].items() if size >= total / 1000}
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("bytes", no_wrap=True)
    for title in ("total", *roles):
        words = title.split()  # a heading is broken between its words, never within one
        longest = max(map(len, words))
        table.add_column("\n".join(words), justify="right", overflow="fold", min_width=longest)
    for device, total in totals.items():
        parts = [short_count(by_role[device].get(role, 0)) for role in roles]
        table.add_row(f"device {device}", short_count(total), *parts)
    return table


def crossing_table(crossing: list[dict], place: str) -> Table:
    """Return a table of what each device, or rank, sends to others in a training step, by kind.

    place: what sends, "device" or "rank".
    """
    sent: dict[int, dict[str, int]] = {}
    for pair in crossing:
        sums = sent.setdefault(pair["from"], dict.fromkeys(("total", *KINDS), 0))
        for kind in sums:
            sums[kind] += pair[kind]
    shown = [kind for kind in KINDS if any(sums[kind] for sums in sent.values())]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("bytes", no_wrap=True)
    for title in ("total", *shown):
        table.add_column(title, justify="right", overflow="fold")
    for device, sums in sent.items():
        table.add_row(f"{place} {device}", *(short_count(sums[k]) for k in ("total", *shown)))
    return table
