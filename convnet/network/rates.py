"""The learning rates of a step, as the update reads them (dialect, 6.2 and 6.4)."""

import numpy as np

from convnet.network.plan import Parameter


def hyper_values(
    parameter: Parameter, progress: float, divisor: float, normal, divided_by: float = 1
) -> np.ndarray:
    """[momentum, rate / divisor, rate · decay], and 1 / divisor where gradients' means are kept.

    divisor: cases that the gradient sums over.  divided_by: the schedules' rates are divided by it.

    normal: draws N(0,1) for schedules with noise; the decay draws its own, as in the 2012 source.
    """
    layer, index = parameter.unit.layer, parameter.index
    schedule = layer.rate_b if index is None else layer.rates_w[index]
    momentum = layer.mom_b if index is None else layer.mom_w[index]
    decay = 0.0 if index is None else layer.wc[index]
    rate = schedule.noisy_rate(progress, normal) / divided_by
    decayed = schedule.noisy_rate(progress, normal) / divided_by * decay if decay else 0.0
    scale = [1 / divisor] if parameter.moments else []
    return np.array([momentum, rate / divisor, decayed, *scale])


def share_factor(unit, index: int, owner: Parameter, progress: float) -> float:
    """A user's rate over the owner's, for shared weights with rates of their own."""
    mine = unit.layer.rates_w[index].rate(progress)
    return mine / owner.unit.layer.rates_w[owner.index].rate(progress)
