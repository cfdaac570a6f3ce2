"""float64 in kernels: a Python float in float32 arithmetic makes it slow without being seen."""

import re

_DOUBLE = re.compile(r"\b(?:abs|add|div|ex2|fma|lg2|max|min|mul|neg|rcp|rsqrt|sqrt|sub)\S*\.f64\b")

# Modules whose kernels compute in float64 on purpose.
ALLOWED = {
    "cost_bce": "a cost",
    "cost_crossent": "a cost",
    "cost_crossent2": "a cost",
    "cost_dce": "a cost",
    "cost_gsum2": "a cost",
    "cost_logreg": "a cost",
    "cost_msm": "a cost",
    "cost_rflickr": "a cost",
    "cost_sum2": "a cost",
    "cost_tica": "a cost",
    "ranks": "errors are shares",
    "rescale": "norms of whole filters",
    "resize": "coordinates",
    "row_sums": "sums over cases and modules",
    "rscale": "numbers drawn as on the CPU, coordinates",
    "softmax": "sums over classes",
    "totals": "sums over cases",
}


def unexpected_doubles(module: str, ptx: str) -> set[str]:
    """Instructions that compute in float64 in a kernel of a module that should not."""
    return set() if module in ALLOWED else set(_DOUBLE.findall(ptx))
