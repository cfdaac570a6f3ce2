"""What the dropout layers of a network multiply by in a test, which other frameworks' do not.

`dropout2`, `hs` and the key `dropout` multiply by the share that is kept, in tests; PyTorch, Caffe,
DeCAF and ONNX divide by it in training instead (docs/dialect.md, 3.8).  Weights behind such a layer
are divided by the share, and then see what they saw there, in training and in tests.  This needs
layers between them that multiply by the share too, as ReLU and pooling do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.foreign.fitting import Fit
from convnet.graph.graph import Node
from convnet.layers.neuron import Neuron

_DROPS = frozenset(("dropout", "dropout2", "hs", "dropout (key)"))
_PASSES = frozenset("pool concat pass crop eltsum eltmax".split())  # f(a·x) = a·f(x) for a > 0


class _NotUndone(Exception):
    """No division of the weights undoes a dropout below them; the text names the layer between."""


def undo_dropout(fits: tuple[Fit, ...], arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Divide the weights behind dropout layers by what these multiply by; return lines about it."""
    notes = []
    for target in (target for fit in fits for target in fit.targets):
        for index, source in enumerate(target.sources):
            try:
                factor = _factor_in_tests(source.node)
            except _NotUndone as between:
                notes.append(
                    f"{target.name}: dropout below it multiplies in tests, which its weights "
                    f"cannot undo because of {between} between them: results differ from the file's"
                )
                continue
            if factor != 1:
                name = f"{target.name}.weights.{index}"
                arrays[name] = (arrays[name] / np.float64(factor)).astype(np.float32)
                notes.append(
                    f"{target.name}: its weights are divided by {factor:g}, by which the dropout "
                    "below it multiplies in tests"
                )
    return tuple(dict.fromkeys(notes))


def _factor_in_tests(node: Node) -> float:
    """What the values of a node are multiplied by in a test, by dropout layers above all weights.

    Raises _NotUndone if it is no number.
    """
    layer: Any = node.layer
    kind = layer.type_name
    if kind in _DROPS:
        return float(layer.factors()[1]) * _factor_in_tests(node.inputs[0])
    if layer.weights():
        return 1.0  # what is below is undone in these weights
    found = {_factor_in_tests(each) for each in node.inputs} or {1.0}
    is_relu = isinstance(layer, Neuron) and layer.function.kind == "relu"
    if len(found) > 1 or (found != {1.0} and not is_relu and kind not in _PASSES):
        raise _NotUndone((node.declared_in or node).name)
    return found.pop()
