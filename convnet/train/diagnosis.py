"""Likely reasons why a net does not learn, from its last minibatch, activities and updates."""

from contextlib import suppress

import numpy as np

from convnet.data.pipeline.feed import Batch
from convnet.errors import DataError
from convnet.graph.graph import Node
from convnet.network.network import Network
from convnet.train.journal_records import rates_of
from convnet.train.run import Run

_LOST = 0.01  # differences between images in the last hidden layer, below which they are lost
_DEAD = 0.5  # share of a layer's units that are dead
_SLOW, _FAST = 1e-5, 0.1  # an update's size, as a share of the weights'
_LARGE_BIAS = 0.5
_LISTED = 6  # layers that a line lists at most
_RECTIFIERS = ("relu", "nrelu", "brelu")


def likely_causes(run: Run, batch: Batch) -> list[str]:
    """Return lines that name likely causes; the last one lists those that cannot be detected.

    batch: the minibatch that was trained last.  It is tested once more, which changes no weight.
    """
    network = run.network
    network.run("test")
    layers = [node for node in network.graph.declared() if node.owners]
    found = [
        "" if run.train.shuffles else _stored_order(batch),
        _lost_signal(network, layers, batch),
        _dead_units(network),
        _large_biases(layers),
        _updates(network),
        _undetectable(rates_of(network, run.progress(), run.lr_divisor)),
    ]
    return [cause for cause in found if cause]


def _stored_order(batch: Batch) -> str:
    classes = len(np.unique(batch.labels))
    return (
        f"the training images are taken in stored order, which must be a well mixed one: this "
        f"minibatch of {batch.cases} holds {classes} class{'es' * (classes > 1)}"
    )


def _lost_signal(network: Network, layers: list[Node], batch: Batch) -> str:
    """Compare how much images differ in their pixels and in the last hidden layer."""
    if len(layers) < 2 or batch.cases < 2 or 0 not in batch.matrices:
        return ""
    with suppress(DataError):
        name = layers[-2].name
        left = _difference(network.output(name))
        if left < _LOST:
            pixels = batch.matrices[0][:, batch.made]  # none where other processes read them
            before = (
                f"by {_difference(pixels):.2g} in their pixels (standard deviation) and "
                if pixels.size
                else ""
            )
            return (
                f"images differ {before}by {left:.2g} in {name}: the initial weights (initW) of it "
                "or of layers below are too small"
            )
    return ""


def _difference(values: np.ndarray) -> float:
    """Return the standard deviation over the cases, the last axis; RMS over the units."""
    return float(np.sqrt(values.var(axis=-1, dtype=np.float64).mean()))


def _dead_units(network: Network) -> str:
    shares = {}
    for node in network.graph.nodes:
        with suppress(DataError):
            if _rectifies(node):
                dead = (network.values(node) <= 0).all(axis=-1).mean()
                shares[(node.declared_in or node).name] = float(dead)
    found = [f"{share:.0%} in {name}" for name, share in shares.items() if share >= _DEAD]
    if not found:
        return ""
    return (
        f"units that are 0 for every image of this minibatch (dead ReLUs): {_listed(found)}; "
        "rates that were too high can cause this"
    )


def _rectifies(node: Node) -> bool:
    function = node.layer.nonlinearity
    return function is not None and function.kind in _RECTIFIERS


def _large_biases(layers: list[Node]) -> str:
    starts = {node.name: node.layer.biases() for node in layers}
    found = [name for name, biases in starts.items() if biases and biases.constant >= _LARGE_BIAS]
    if not found:
        return ""
    return (
        f"biases that start near 1 (initB): {_listed(found)}. The paper's net has them, together "
        "with its own initial weights and rates; try initB=0.1 or 0"
    )


def _updates(network: Network) -> str:
    """Compare the last update with the weights.  The velocity is the step that was taken."""
    moved = {}
    for name, parameter in network.parameters.items():
        if parameter.learns and parameter.index is not None:
            step = np.linalg.norm(network.read_state(parameter, "velocity"))
            size = np.maximum(np.linalg.norm(network.read(parameter)), 1e-30)
            moved[name] = float(step / size)
    if not moved:
        return "no weights are trained: all rates are 0"
    most = max(moved, key=moved.__getitem__)
    if _SLOW <= moved[most] <= _FAST:
        return ""
    what = "too low" if moved[most] < _SLOW else "too high"
    return f"rates that are {what}: an update moves {most} by {moved[most]:.1g} of its size"


def _undetectable(rates: dict[str, float]) -> str:
    low, high = min(rates.values(), default=0), max(rates.values(), default=0)
    shown = f"{low:g} to {high:g}" if low < high else f"{high:g}"
    return (
        f"causes that cannot be detected here: rates too high or too low for this net ({shown} "
        "now), labels that do not belong to their images"
    )


def _listed(items: list[str]) -> str:
    more = len(items) - _LISTED
    return ", ".join(items[:_LISTED]) + (f" and {more} more" if more > 0 else "")
