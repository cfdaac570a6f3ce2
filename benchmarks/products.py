"""Products of full connections beside NumPy's BLAS: `python -m benchmarks.products`.

Each product alone, and with an elementwise Numba kernel behind it, as in a step: there the threads
of two libraries meet.  The ratio is BLAS's time / ours.
"""

from functools import partial
from statistics import median

import click
import numpy as np

from benchmarks.tables import table
from benchmarks.timing import compare, in_turn, seconds_of
from convnet.backends.cpu.engine import aligned
from convnet.backends.cpu.ops import fc, neuron

SHAPES = {"fc6 of AlexNet": (9216, 4096, 128), "fc3 of digits": (1024, 128, 64)}
CALLS = 20


def arrays(inputs, outputs, cases):
    """x, w, y and dw, filled at random."""
    rng = np.random.default_rng(5)
    shapes = (inputs, cases), (outputs, inputs), (outputs, cases), (outputs, inputs)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def products(inputs, outputs, cases):
    """(name, our call, BLAS's call) of each direction."""
    x, w, y, dw = arrays(inputs, outputs, cases)
    dx = np.empty_like(x)
    return [
        ("forward", _ours(fc.forward, x, w, y), lambda: np.matmul(w, x, out=y)),
        ("inputs", _ours(fc.inputs_grad, y, w, dx), lambda: np.matmul(w.T, y, out=dx)),
        ("weights", _ours(fc.weights_grad, x, y, dw), lambda: np.matmul(y, x.T, out=dw)),
    ]


def _ours(function, a, b, out):
    scratch = aligned(function.scratch_size(a, b, out, False), np.dtype(np.uint8))
    return lambda: function(a, b, out, False, scratch=scratch)


def beside_a_kernel(call):
    """The call and a kernel on all threads behind it."""
    values = np.ones((256, 4096), np.float32)
    slopes = np.ones_like(values)

    def both():
        call()
        neuron.backward(values, values, slopes, slopes, "relu", 0.0, 0.0, False)

    return both


def row(name, ours, blas):
    """Both in turn, with pauses in which threads go to sleep."""
    found = compare(in_turn({"ours": partial(typical, ours), "BLAS": partial(typical, blas)}, 3))
    return {
        "what": name,
        "ours, ms": 1e3 * found.ours,
        "BLAS, ms": 1e3 * found.theirs,
        "ratio": found.ratio,
        "from": found.low,
        "to": found.high,
    }


def typical(call) -> float:
    """The median time of a few calls, after a first one."""
    call()
    return median(seconds_of(call) for _ in range(CALLS))


@click.command(help=__doc__)
def main():
    rows = []
    for layer, shape in SHAPES.items():
        for direction, ours, blas in products(*shape):
            rows.append(row(f"{layer}, {direction}", ours, blas))
            pair = beside_a_kernel(ours), beside_a_kernel(blas)
            rows.append(row(f"{layer}, {direction}, and a kernel", *pair))
    click.echo(table(rows))


if __name__ == "__main__":
    main()
