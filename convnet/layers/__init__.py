"""The layer types.  Importing a module here is what makes its types known."""

from convnet.layers import (  # noqa: F401
    cmrnorm,
    cnorm,
    concat,
    conv,
    cost_logreg,
    cost_sum2,
    data,
    dropout,
    eltmax,
    eltsum,
    fc,
    local,
    neuron,
    pass_through,
    pool,
    rnorm,
    softmax,
)
from convnet.layers.base import LAYER_TYPES, FieldError, Layer, Shape

__all__ = ["LAYER_TYPES", "FieldError", "Layer", "Shape"]
