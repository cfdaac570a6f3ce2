"""The numbers that stand for the kinds of neurons in kernels."""

IDENT, RELU, BRELU, ABS, SQUARE, SQRT, LINEAR = range(7)
DRELU, SOFTRELU, LOGISTIC, TANH, LOG = range(7, 12)  # kinds with exponentials or logarithms

KINDS = {
    "ident": IDENT,
    "relu": RELU,
    "nrelu": RELU,  # the noise does not change the derivative
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
