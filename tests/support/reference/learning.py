"""The weight update, constraints on weights, schedules of the rate. docs/dialect.md, 6."""

import math

import numpy as np


def update(w, v, gradient_sum, cases, rate, momentum, decay):
    """(w, v) after one step; gradient_sum is +dE/dw summed over `cases` cases.

    Source: docs/dialect.md, 6.2.

    Whether a matrix is frozen depends on its base rate, which is not known here.
    """
    w, v = np.asarray(w, np.float64), np.asarray(v, np.float64)
    mean = -np.asarray(gradient_sum, np.float64) / cases
    v = momentum * v + rate * mean - rate * decay * w
    return w + v, v


def update_by_deviation(w, state, gradient_sum, cases, rate, momentum, decay, epsilon):
    """(w, state) after one step of superEps; state: velocity, mean G, mean G2.

    Source: docs/dialect.md, 6.3.

    G is subtracted unsquared, as written there.
    """
    w = np.asarray(w, np.float64)
    v, mean, square = (np.asarray(array, np.float64) for array in state)
    g = -np.asarray(gradient_sum, np.float64) / cases
    mean = momentum * mean + (1 - momentum) * g
    square = momentum * square + (1 - momentum) * g**2
    v = 0.9 * v + rate * g / np.sqrt(square - mean + epsilon) - rate * decay * w
    return w + v, (v, mean, square)


def _filters(w, layer):
    """Yield an index of w for the weights of each filter: per module too if the layer is local."""
    if layer == "conv":  # (C/groups, K, K, F)
        yield from ((..., f) for f in range(w.shape[-1]))
    elif layer == "local":  # (modules, C/groups, K, K, F)
        yield from ((m, ..., f) for m, f in np.ndindex(w.shape[0], w.shape[-1]))
    elif layer == "fc":  # (outputs, inputs)
        yield from ((f,) for f in range(w.shape[0]))
    else:
        raise ValueError(f"unknown layer type: {layer}")


def wball(w, ball, layer, dialect):
    """w with the L2 norm of every filter constrained (docs/dialect.md, 6.5).

    layer: conv, local or fc, with w shaped as for that layer. dialect: "chm" (the limit is
    ball * weights per filter, an upper limit) or "cc2" (the limit is `ball`, and conv and fc
    filters are always brought to exactly that norm). A filter of zeros stays as it is.
    """
    if dialect not in ("chm", "cc2"):
        raise ValueError(f"unknown dialect: {dialect}")
    w = np.array(w, np.float64)
    for one in _filters(w, layer):
        limit = ball * w[one].size if dialect == "chm" else ball
        norm = math.sqrt(np.sum(w[one] ** 2))
        always = dialect == "cc2" and layer != "local"
        if norm > limit or (always and norm > 0):
            w[one] *= limit / norm
    return w


def wcnorm(w, low, high):
    """conv w (C/groups, K, K, F) with the contrast of every filter kept within low..high.

    The contrast of n weights is sqrt(sum of (w - mean)^2) / n. high = 0 switches it off; a filter
    without any contrast stays as it is (docs/dialect.md, 6.5).
    """
    if low > high:
        raise ValueError(f"wcNormMin {low} is above wcNormMax {high}")
    w = np.array(w, np.float64)
    if high <= 0:
        return w
    for one in _filters(w, "conv"):
        contrast = math.sqrt(np.sum((w[one] - np.mean(w[one])) ** 2)) / w[one].size
        if 0 < contrast < low:
            w[one] *= low / contrast
        elif contrast > high:
            w[one] *= high / contrast
    return w


def rate(kind, base, factor, steps, progress):
    """The learning rate at `progress` 0..1 (docs/dialect.md, 6.4).

    kind: default, const, linear, exp, dexp or jdexp; factor: base rate / final rate;
    steps: number of steps of dexp and jdexp. What a kind does not use is ignored.
    """
    if kind in ("default", "const"):
        return base
    if kind == "linear":
        return base * (1.0 - progress) + base / factor * progress
    if kind == "exp":
        return base * factor**-progress
    if kind not in ("dexp", "jdexp"):
        raise ValueError(f"unknown kind of schedule: {kind}")
    rates = [base * factor ** (-i / (steps - 1)) for i in range(steps - 1)] + [base / factor]
    step = next(i for i in range(steps) if progress <= (i + 1) / steps)
    late = 0.2 < progress < 0.9 and progress > (step + 0.5) / steps
    if kind == "jdexp" and step > 0 and late:
        return math.sqrt(rates[step] * rates[step - 1])
    return rates[step]
