"""The learning rates of a step, as the update reads them (docs/dialect.md, 6.2 and 6.4)."""

from collections.abc import Callable

import numpy as np

from convnet.graph.place import Unit
from convnet.network.plan import Parameter, weight_layer


def hyper_values(
    parameter: Parameter,
    progress: float,
    divisor: float,
    normal: Callable[[], float],
    divided_by: float = 1,
) -> np.ndarray:
    """[momentum, rate / divisor, rate · decay], and 1 / divisor where the gradient has moments.

    divisor: cases that the gradient sums over.  divided_by: the schedules' rates are divided by it.

    normal: samples N(0,1) for schedules with noise; the decay samples its own, as in the 2012
    source.
    """
    layer, index = parameter.layer, parameter.index
    schedule = layer.learning_rate(index)
    momentum = layer.mom_b if index is None else layer.mom_w[index]
    decay = 0.0 if index is None else layer.wc[index]
    rate = schedule.noisy_rate(progress, normal) / divided_by
    decayed = schedule.noisy_rate(progress, normal) / divided_by * decay if decay else 0.0
    scale = [1 / divisor] if parameter.moments else []
    return np.array([momentum, rate / divisor, decayed, *scale])


def no_noise() -> float:
    """In place of a sample of N(0,1): schedules without their noise."""
    return 0.0


def share_factor(unit: Unit, index: int, owner: Parameter, progress: float) -> float:
    """A user's rate over the owner's, for shared weights with rates of their own."""
    mine = weight_layer(unit).learning_rate(index).rate(progress)
    return mine / owner.layer.learning_rate(owner.index).rate(progress)
