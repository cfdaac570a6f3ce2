"""What a GPU is compared with is well conditioned: float32 on the CPU agrees far more closely.

Otherwise a correct GPU fails because its sums are rounded in another order.
"""

import numpy as np

from convnet.backends.cpu.engine import Engine
from tests.support.cuda_rows import STEPS, TRAINED, largest_error, trained, two_devices


def test_training_of_two_devices():
    exact, rounded = (
        trained(two_devices(Engine(real)), STEPS) for real in (np.float64, np.float32)
    )
    assert 0 < largest_error(rounded, exact) < TRAINED / 5


def test_the_weights_move_far():
    """An update that is missed or made twice is larger than the tolerance."""
    before, after = (trained(two_devices(Engine(np.float64)), steps) for steps in (1, STEPS))
    parts = zip(before[1:], after[STEPS:], strict=True)
    assert min(np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in parts) > 1e4 * TRAINED
