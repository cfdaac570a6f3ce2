"""The table of memory traffic against what emulated kernels touch, on small arrays."""

import numpy as np
import pytest

pytest.importorskip("numba.cuda.extending")

from benchmarks.kernel_traffic import TRAFFIC
from convnet.backends.cuda.engine import operation
from convnet.backends.cuda.jit import SIMULATED
from tests.support.emulated_counters import Counted, tiles_of

pytestmark = pytest.mark.skipif(SIMULATED, reason="the simulator does not compile")
IMAGES, ROWS = (40, 6, 6, 32), (48, 192)
REAL = np.float32
SQUARES = (64, 256), (256, 64), (256, 256)  # inputs, weights, outputs
NORM = 5, 1e-4, 0.75, 1.0

# operation, arrays (a shape, or a type and a shape), plain arguments; the table's row
CASES = [
    ("neuron.forward", [ROWS] * 2, ("relu", 0.0, 0.0), "`neuron.forward`"),
    ("neuron.backward", [ROWS] * 4, ("relu", 0.0, 0.0, False), "`neuron.backward`, with"),
    ("dropout.backward", [ROWS, (np.uint8, ROWS), ROWS], (2.0, False), "`dropout.backward`"),
    ("cmrnorm.forward", [IMAGES] * 3, (*NORM, False), "`cmrnorm.forward`"),
    ("cmrnorm.forward", [IMAGES] * 3, (*NORM, True), "`cmrnorm.forward`, long"),
    ("cmrnorm.backward", [IMAGES] * 5, (*NORM, False, False), "`cmrnorm.backward`"),
    ("softmax.forward", [ROWS] * 2, (), "`softmax.forward`"),
    ("update.sgd", [ROWS] * 3 + [(np.float64, (3,))], (), "`update.sgd`"),
    ("elementwise.scale", [ROWS] * 2, (2.0, True), "`elementwise.scale`, adding"),
    ("elementwise.weighted_sum", [ROWS] * 3, (2.0, 3.0), "`elementwise.weighted_sum`"),
]


@pytest.mark.parametrize(("name", "arrays", "numbers", "row"), CASES, ids=lambda c: str(c)[:24])
def test_bytes_a_value(name, arrays, numbers, row):
    counted, row = Counted(), next(r for r in TRAFFIC if r.kernel.startswith(row))
    typed = [a if isinstance(a[0], type) else (REAL, a) for a in arrays]
    given = [counted.memory.array(np.ones(shape, dtype)) for dtype, shape in typed]
    (launch,) = operation(name)(*given, *numbers)
    counts, _ = counted.counts(launch)
    assert counts.sampled == counts.blocks
    values = int(np.prod(typed[0][1]))
    assert counts.touched / values == pytest.approx(row.moved, rel=0.01)
    assert counts.used > 0.95  # of a sector with three rates, each warp of update.sgd uses 24 bytes
    assert counts.own < 1.3 * counts.touched  # little is read by two blocks


def test_a_product_asks_for_its_tiles():
    """And for nothing else, where sizes are those of whole tiles."""
    counted = Counted()
    x, w, y = (counted.memory.array(np.ones(shape, REAL)) for shape in SQUARES)
    scratch = counted.memory.scratch(256)
    (launch,) = operation("fc.forward")(x, w, y, False, precision="bf16", scratch=scratch)
    counts, _ = counted.counts(launch)
    least, pair = tiles_of(launch)
    assert counts.asked == least and counts.used == 1 and counts.conflicts == 0
    assert pair == 4 * 16 * (128 + 256) and counts.multiply_adds == 256 * 256 * 64
