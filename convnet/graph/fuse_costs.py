"""Costs that are differentiated together with the layer below them (dialect, 7)."""

from convnet.graph.graph import Node


def fuse_costs(nodes: list[Node]) -> None:
    """Mark each pair of a squashing layer and the one cost that reads it, on its device.

    The cost must read it once, as its predictions, and be of a type that fuses with this squashing.
    """
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    for node in nodes:
        squashing = node.layer.squashing
        mine = readers.get(node, [])
        if squashing is None or len(mine) != 1 or not mine[0].is_cost:
            continue
        (cost,) = mine
        fits = cost.layer.fuses_with == squashing and cost.inputs[-1] is node
        if fits and cost.devices == node.devices:
            node.layer.fuse()
            cost.layer.fuse()
