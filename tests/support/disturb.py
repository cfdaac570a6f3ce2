"""Make what a step writes visible, even where it would write the same numbers again."""

import numpy as np

from convnet.graph.graph import HOST
from convnet.network.memory import View


def disturb(engine, step, cases: int, written: set[int]) -> None:
    """Put random numbers from 0.5 to 1.5 into the real arrays that a step is to leave alone.

    written: positions of the others.  Arrays on the host are left alone: engines only load them.
    """
    rng = np.random.default_rng(0)
    for place, view in enumerate(step.arguments):
        if not isinstance(view, View) or view.device == HOST:
            continue
        if place not in written and view.buffer.dtype == "real":
            engine.write(view, cases, rng.uniform(0.5, 1.5, view.shape(cases)))
