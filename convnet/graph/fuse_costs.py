"""Costs that are differentiated together with the layer below them (docs/dialect.md, 7)."""

from convnet.graph.graph import Node


def fuse_costs(nodes: list[Node]) -> None:
    """Mark each squashing layer and its only consumer, a cost on the same device, as fused.

    The cost must read it once, as its predictions, and be of a type that fuses with this squashing.
    """
    consumers: dict[Node, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            consumers.setdefault(source, []).append(node)
    for node in nodes:
        squashing = node.layer.squashing
        mine = consumers.get(node, [])
        if squashing is None or len(mine) != 1 or not mine[0].is_cost:
            continue
        (cost,) = mine
        fits = cost.layer.fuses_with == squashing and cost.inputs[-1] is node
        if fits and cost.devices == node.devices:
            node.layer.fuse()
            cost.layer.fuse()
