"""Neurons, softmax, eltsum, eltmax, concat, in plain loops (docs/dialect.md, 4 and 3.7)."""

import numpy as np

# kind: (f(x, a, b), f'(x, y, a, b)); the derivative is the one the dialect uses, from x or y.
NEURONS = {
    "ident": (lambda x, a, b: 1.0 * x, lambda x, y, a, b: np.ones(x.shape)),
    "relu": (lambda x, a, b: np.maximum(0.0, x), lambda x, y, a, b: y > 0),
    "brelu": (
        lambda x, a, b: np.minimum(a, np.maximum(0.0, x)),
        lambda x, y, a, b: (y > 0) & (y < a),
    ),
    "drelu": (lambda x, a, b: x - a * np.tanh(x / a), lambda x, y, a, b: np.tanh(x / a) ** 2),
    # minimum: no overflow in the branch that np.where throws away
    "softrelu": (
        lambda x, a, b: np.where(x > 4, x, np.log1p(np.exp(np.minimum(x, 4.0)))),
        lambda x, y, a, b: np.where(y > 4, 1.0, 1.0 - np.exp(-y)),
    ),
    # 1/(1+e^-x), written so that e^-x cannot overflow
    "logistic": (
        lambda x, a, b: np.exp(-np.logaddexp(0.0, -x)),
        lambda x, y, a, b: y * (1.0 - y),
    ),
    "tanh": (lambda x, a, b: a * np.tanh(b * x), lambda x, y, a, b: b * (a - y * y / a)),
    "abs": (lambda x, a, b: np.abs(x), lambda x, y, a, b: np.where(x > 0, 1.0, -1.0)),
    "square": (lambda x, a, b: x * x, lambda x, y, a, b: 2.0 * x),
    "sqrt": (lambda x, a, b: np.sqrt(x), lambda x, y, a, b: 1.0 / (2.0 * y)),
    "linear": (lambda x, a, b: a * x + b, lambda x, y, a, b: np.full(x.shape, float(a))),
    "log": (lambda x, a, b: np.log(a + x), lambda x, y, a, b: 1.0 / (a + x)),
}


def neuron(x, kind, a=0.0, b=0.0):
    """y = f(x) elementwise, any shape; `kind` is a name of dialect 4 except the random nrelu."""
    return NEURONS[kind][0](np.asarray(x, np.float64), a, b)


def neuron_grad(x, y, dy, kind, a=0.0, b=0.0):
    """dx = dy * f'."""
    x, y, dy = (np.asarray(array, np.float64) for array in (x, y, dy))
    return dy * NEURONS[kind][1](x, y, a, b)


def softmax(x):
    """Per case (column) over all rows of x (rows, N)."""
    x = np.asarray(x, np.float64)
    y = np.zeros(x.shape)
    for n in range(x.shape[1]):
        powers = np.exp(x[:, n] - x[:, n].max())
        y[:, n] = powers / powers.sum()
    return y


def softmax_grad(y, dy):
    """dx_i = y_i (dy_i - sum_j dy_j y_j), per case."""
    y, dy = np.asarray(y, np.float64), np.asarray(dy, np.float64)
    dx = np.zeros(y.shape)
    for n in range(y.shape[1]):
        dx[:, n] = y[:, n] * (dy[:, n] - np.sum(dy[:, n] * y[:, n]))
    return dx


def eltsum(xs, coeffs):
    """y = sum of coeff * x over equally shaped inputs."""
    y = np.zeros(xs[0].shape)
    for x, coeff in zip(xs, coeffs, strict=True):
        y += coeff * np.asarray(x, np.float64)
    return y


def eltsum_grads(dy, coeffs):
    """One dx per input: coeff * dy."""
    return [coeff * np.asarray(dy, np.float64) for coeff in coeffs]


def eltmax(xs):
    """The elementwise maximum of equally shaped inputs."""
    y = np.asarray(xs[0], np.float64)
    for x in xs[1:]:
        y = np.maximum(y, np.asarray(x, np.float64))
    return y.copy()


def eltmax_grads(xs, dy):
    """One dx per input: every input equal to the maximum gets the full dy."""
    y, dy = eltmax(xs), np.asarray(dy, np.float64)
    return [np.where(np.asarray(x, np.float64) == y, dy, 0.0) for x in xs]


def concat(xs):
    """Rows (first axis) stacked in the order of the inputs."""
    return np.concatenate([np.asarray(x, np.float64) for x in xs], axis=0)
