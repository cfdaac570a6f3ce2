"""The layer types.  Importing a module here is what makes its types known."""

from convnet.layers import (  # noqa: F401
    blur,
    cmpool,
    cmrnorm,
    cnorm,
    concat,
    conv,
    cost_logreg,
    cost_sum2,
    crop,
    data,
    dropout,
    eltmax,
    eltsum,
    fc,
    href,
    local,
    nailbed,
    neuron,
    pass_through,
    pool,
    resize,
    rgb2lab,
    rgb2yuv,
    rnorm,
    rscale,
    sfc,
    softmax,
    sum,
)
from convnet.layers.base import LAYER_TYPES, FieldError, Layer, Shape

__all__ = ["LAYER_TYPES", "FieldError", "Layer", "Shape"]
