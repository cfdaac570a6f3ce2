"""Why a net tells no images apart: what its last minibatch, activities and updates show."""

from contextlib import suppress

import numpy as np

from convnet.errors import DataError
from convnet.train.journal_records import rates_of

_LOST = 0.01  # differences between images in the last hidden layer, below which they are lost
_DEAD = 0.5  # share of a layer's units that are dead
_SLOW, _FAST = 1e-5, 0.1  # an update's size, as a share of the weights'
_BIAS = 0.5
_NAMED = 6  # layers that a line names at most
_RECTIFIERS = ("relu", "nrelu", "brelu")


def likely_causes(run, batch) -> list[str]:
    """Lines that name likely causes; the last one says what cannot be seen.

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
        _unseen(rates_of(network, run.progress(), run.divided_by)),
    ]
    return [cause for cause in found if cause]


def _stored_order(batch):
    classes = len(np.unique(batch.labels))
    return (
        f"the training images are taken in stored order, which must be a well mixed one: this "
        f"minibatch of {batch.cases} holds {classes} class{'es' * (classes > 1)}"
    )


def _lost_signal(network, layers, batch):
    """Differences between images that hardly reach the last layer with weights."""
    if len(layers) < 2 or batch.cases < 2 or 0 not in batch.matrices:
        return ""
    with suppress(DataError):
        name = layers[-2].name
        left, before = _difference(network.output(name)), _difference(batch.matrices[0])
        if left < _LOST:
            return (
                f"images differ by {before:.2g} in their pixels (standard deviation) and by "
                f"{left:.2g} in {name}: the initial weights (initW) of it or of layers below are "
                "too small"
            )
    return ""


def _difference(values) -> float:
    """Standard deviation over the cases, the last axis; root mean square over the units."""
    return float(np.sqrt(values.var(axis=-1, dtype=np.float64).mean()))


def _dead_units(network):
    shares = {}
    for node in network.graph.nodes:
        f = node.layer.nonlinearity
        with suppress(DataError):
            if f is not None and f.kind in _RECTIFIERS:
                dead = (network.values(node) <= 0).all(axis=-1).mean()
                shares[(node.declared_in or node).name] = float(dead)
    dead = [f"{share:.0%} in {name}" for name, share in shares.items() if share >= _DEAD]
    if not dead:
        return ""
    return (
        f"units that are 0 for every image of this minibatch (dead ReLUs): {_listed(dead)}; "
        "rates that were too high leave a net so"
    )


def _large_biases(layers):
    named = [node.name for node in layers if node.layer.biases().constant >= _BIAS]
    if not named:
        return ""
    return (
        f"biases that start at 1 or so (initB): {_listed(named)}. The paper's net has them, and "
        "needs its initial weights and rates with them; try initB=0.1 or 0"
    )


def _updates(network):
    """How far the last update moved the weights; the velocity is the step."""
    moved = {}
    for name, parameter in network.parameters.items():
        if parameter.learns and parameter.index is not None:
            step = np.linalg.norm(network.engine.read(parameter.velocity, network.cases))
            moved[name] = float(step / max(np.linalg.norm(network.read(parameter)), 1e-30))
    if not moved:
        return "no weights are trained: all rates are 0"
    most = max(moved, key=moved.get)
    if _SLOW <= moved[most] <= _FAST:
        return ""
    what = "too low" if moved[most] < _SLOW else "too high"
    return f"rates that are {what}: an update moves {most} by {moved[most]:.1g} of its size"


def _unseen(rates):
    low, high = min(rates.values(), default=0), max(rates.values(), default=0)
    shown = f"{low:g} to {high:g}" if low < high else f"{high:g}"
    return (
        f"what cannot be seen from here: rates too high or too low for this net ({shown} now), "
        "labels that do not belong to their images"
    )


def _listed(items):
    return ", ".join(items[:_NAMED]) + f" and {len(items) - _NAMED} more" * (len(items) > _NAMED)
