"""Numbers of the neuron kinds, as the kernels know them."""

IDENT, RELU, BRELU, ABS, SQUARE, SQRT, LINEAR = range(7)
DRELU, SOFTRELU, LOGISTIC, TANH, LOG = range(7, 12)  # those that need exponentials or logarithms

KINDS = {
    "ident": IDENT,
    "relu": RELU,
    "nrelu": RELU,  # the noise does not change the slope
    "brelu": BRELU,
    "drelu": DRELU,
    "softrelu": SOFTRELU,
    "logistic": LOGISTIC,
    "tanh": TANH,
    "abs": ABS,
    "square": SQUARE,
    "sqrt": SQRT,
    "linear": LINEAR,
    "log": LOG,
}
