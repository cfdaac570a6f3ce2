"""The slow, obvious float64 reference of every layer: plain loops straight from the formulas.

Images are (channels, rows, columns, cases), flat arrays (rows, cases). Functions return new
float64 arrays and never touch their arguments. The only vectorised axis is the last one, the
cases. Gradients are dE/dx (not negated) summed over cases. Nothing here is clever or fast.
"""

from .convolution import conv, conv_grads, fc, fc_grads, local, local_grads
from .costs import logreg, logreg_grad, sum2, sum2_grad
from .elementwise import (
    concat,
    eltmax,
    eltmax_grads,
    eltsum,
    eltsum_grads,
    neuron,
    neuron_grad,
    softmax,
    softmax_grad,
)
from .learning import rate, update, wball, wcnorm
from .normalization import cmrnorm, cmrnorm_grad, cnorm, cnorm_grad, rnorm, rnorm_grad
from .pooling import pool, pool_grad

__all__ = [
    "cmrnorm",
    "cmrnorm_grad",
    "cnorm",
    "cnorm_grad",
    "concat",
    "conv",
    "conv_grads",
    "eltmax",
    "eltmax_grads",
    "eltsum",
    "eltsum_grads",
    "fc",
    "fc_grads",
    "local",
    "local_grads",
    "logreg",
    "logreg_grad",
    "neuron",
    "neuron_grad",
    "pool",
    "pool_grad",
    "rate",
    "rnorm",
    "rnorm_grad",
    "softmax",
    "softmax_grad",
    "sum2",
    "sum2_grad",
    "update",
    "wball",
    "wcnorm",
]
