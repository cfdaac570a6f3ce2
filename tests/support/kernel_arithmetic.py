"""float64 in kernels: a Python float in float32 arithmetic makes it slow without being seen."""

import re

_DOUBLE = re.compile(r"\b(?:abs|add|div|ex2|fma|lg2|max|min|mul|neg|rcp|rsqrt|sqrt|sub)\S*\.f64\b")

# Modules whose kernels compute in float64 on purpose.
ALLOWED = {
    "ops.cost_bce": "a cost",
    "ops.cost_crossent": "a cost",
    "ops.cost_crossent2": "a cost",
    "ops.cost_dce": "a cost",
    "ops.cost_gsum2": "a cost",
    "ops.cost_logreg": "a cost",
    "ops.cost_msm": "a cost",
    "ops.cost_rflickr": "a cost",
    "ops.cost_sum2": "a cost",
    "ops.cost_tica": "a cost",
    "kernels.ranks": "errors are shares",
    "kernels.rescale": "norms of whole filters",
    "ops.resize": "coordinates",
    "kernels.row_sums": "sums over cases and modules",
    "ops.rscale": "numbers drawn as on the CPU, coordinates",
    "ops.softmax": "sums over classes",
    "kernels.totals": "sums over cases",
}


def unexpected_doubles(module: str, ptx: str) -> set[str]:
    """Instructions that compute in float64 in a kernel of a module that should not."""
    return set() if module in ALLOWED else set(_DOUBLE.findall(ptx))
