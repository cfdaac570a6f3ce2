"""The slow, obvious float64 reference of every layer: plain loops straight from the formulas.

Images are (channels, rows, columns, cases), flat arrays (rows, cases). Functions return new
float64 arrays and never touch their arguments. The only vectorized axis is the last one, the
cases. Gradients are dE/dx (not negated) summed over cases. Nothing here is clever or fast.
"""

from tests.support.reference.convolution import conv, conv_grads, fc, fc_grads, local, local_grads
from tests.support.reference.costs import logreg, logreg_grad, sum2, sum2_grad
from tests.support.reference.costs_of_sets import msm, msm_grad
from tests.support.reference.costs_of_squares import gsum2, gsum2_grads, tica, tica_grad
from tests.support.reference.costs_of_targets import (
    bce,
    bce_grad,
    crossent,
    crossent_grad,
    dce,
    rflickr,
    rflickr_grad,
)
from tests.support.reference.drawing import random_pool, rscale, scale_of_case, uniforms
from tests.support.reference.elementwise import (
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
from tests.support.reference.images import (
    blur,
    crop,
    href,
    nailbed,
    nailbed_grad,
    resize,
    rgb2lab,
    rgb2yuv,
)
from tests.support.reference.learning import rate, update, update_by_deviation, wball, wcnorm
from tests.support.reference.normalization import (
    cmrnorm,
    cmrnorm_grad,
    cnorm,
    cnorm_grad,
    rnorm,
    rnorm_grad,
)
from tests.support.reference.pooling import pool, pool_grad
from tests.support.reference.splitting import cmpool, cmpool_grad, sfc, sfc_grads, sums, sums_grad
from tests.support.reference.trees import tree_update, treefc, treefc_grads

__all__ = [
    "bce",
    "bce_grad",
    "blur",
    "cmpool",
    "cmpool_grad",
    "cmrnorm",
    "cmrnorm_grad",
    "cnorm",
    "cnorm_grad",
    "concat",
    "conv",
    "conv_grads",
    "crop",
    "crossent",
    "crossent_grad",
    "dce",
    "eltmax",
    "eltmax_grads",
    "eltsum",
    "eltsum_grads",
    "fc",
    "fc_grads",
    "gsum2",
    "gsum2_grads",
    "href",
    "local",
    "local_grads",
    "logreg",
    "logreg_grad",
    "msm",
    "msm_grad",
    "nailbed",
    "nailbed_grad",
    "neuron",
    "neuron_grad",
    "pool",
    "pool_grad",
    "random_pool",
    "rate",
    "resize",
    "rflickr",
    "rflickr_grad",
    "rgb2lab",
    "rgb2yuv",
    "rnorm",
    "rnorm_grad",
    "rscale",
    "scale_of_case",
    "sfc",
    "sfc_grads",
    "softmax",
    "softmax_grad",
    "sum2",
    "sum2_grad",
    "sums",
    "sums_grad",
    "tica",
    "tica_grad",
    "tree_update",
    "treefc",
    "treefc_grads",
    "uniforms",
    "update",
    "update_by_deviation",
    "wball",
    "wcnorm",
]
