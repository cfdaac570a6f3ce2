"""The learning rates of a step, as the update reads them (docs/dialect.md, 6.2, 6.4 and 8.2)."""

from collections.abc import Callable
from math import ceil

from convnet.graph.place import Unit
from convnet.network.engine import Engine
from convnet.network.memory import View
from convnet.network.plan import Parameter, Plan, weight_layer

Numbers = tuple[float, ...]


def no_noise() -> float:
    """In place of a sample of N(0,1): schedules without their noise."""
    return 0.0


class Rates:
    """The learning rates of a plan, in an engine's memory.

    They are set before every step and mostly stay the same, so only what has changed is written.
    """

    def __init__(self, plan: Plan, engine: Engine) -> None:
        self._plan, self._engine = plan, engine
        self._rules = [_Rule(parameter) for parameter in plan.parameters if parameter.learns]
        self._written: dict[View, Numbers] = {}

    def set(
        self, progress: float, cases: int, normal: Callable[[], float], divided_by: float
    ) -> None:
        """Set the rates of a step on `cases` cases; see `Network.set_rates`."""
        for rule in self._rules:
            divisor = self._divisor(rule.parameter, cases)
            values = rule.values(progress, divisor, normal, divided_by)
            for partition in rule.parameter.partitions:
                self._write(partition.hyper, values, cases)
            for _, factor, unit, index in rule.parameter.shares:
                self._write(factor, (rule.share(unit, index, progress),), cases)

    def _write(self, view: View, values: Numbers, cases: int) -> None:
        if self._written.get(view) != values:
            self._engine.write(view, cases, values)
            self._written[view] = values

    def _divisor(self, parameter: Parameter, cases: int) -> float:
        """Cases that an update's gradient counts for (docs/dialect.md, 6.2 and 8.2)."""
        passes = self._plan.rounds.passes
        nominal = self._plan.graph.dialect.divides_by_nominal_minibatch
        if parameter.every == passes and not nominal:
            return cases
        a_pass = self._plan.minibatch / passes
        return parameter.every * (ceil(a_pass) if parameter.index is None else a_pass)


class _Rule:
    """What the rates of a parameter are made of."""

    def __init__(self, parameter: Parameter) -> None:
        layer, index = parameter.layer, parameter.index
        self.parameter = parameter
        self.schedule = layer.learning_rate(index)
        self.momentum: float = layer.mom_b if index is None else layer.mom_w[index]
        self.decay: float = 0.0 if index is None else layer.wc[index]
        self.has_moments = bool(parameter.moments)

    def values(
        self, progress: float, divisor: float, normal: Callable[[], float], divided_by: float
    ) -> Numbers:
        """(momentum, rate / divisor, rate · decay), and 1 / divisor where the gradient has moments.

        divisor: cases that the gradient sums over.  normal: samples N(0,1) for schedules with
        noise; the decay samples its own, as in the 2012 source.
        """
        rate = self.schedule.noisy_rate(progress, normal) / divided_by
        decayed = 0.0
        if self.decay:
            decayed = self.schedule.noisy_rate(progress, normal) / divided_by * self.decay
        scale = (1 / divisor,) if self.has_moments else ()
        return (self.momentum, rate / divisor, decayed, *scale)

    def share(self, unit: Unit, index: int, progress: float) -> float:
        """A user's rate over the owner's, for shared weights with rates of their own."""
        mine = weight_layer(unit).learning_rate(index).rate(progress)
        return mine / self.schedule.rate(progress)
