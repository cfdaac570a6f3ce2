"""Layers with weights: their initial values and how they learn (docs/dialect.md, 5 and 6)."""

from collections.abc import Mapping

from convnet.language.fields import function, integer, number, source
from convnet.language.rate_fields import rate, schedule
from convnet.language.schedule import Schedule
from convnet.layers.base import ArrayView, Layer, Recorder, UpdateArrays, Weight
from convnet.operations import update


class WeightLayer(Layer):
    """Base of the layer types with weights and biases."""

    needs_params = True

    init_w = number(
        per_input=True,
        ge=0,
        unless="init_w_func",
        help="standard deviation of the initial weights; with initWFunc it may be left out",
    )
    init_b = number(0.0, help="initial biases")
    init_w_func = function(
        None,
        help="function that makes the initial weights; it comes before weightSource, which has no "
        "effect beside it. Called only if the user allows it",
    )
    init_b_func = function(
        None, help="function that makes the initial biases. Called only if the user allows it"
    )
    weight_source = source(None, per_input=True, help="layer[input] whose weights are shared")

    eps_w = rate(file="params", per_input=True, help="learning rate of the weights")
    eps_b = rate(file="params", help="learning rate of the biases")
    mom_w = number(file="params", per_input=True, ge=0, lt=1, help="momentum of the weights")
    mom_b = number(file="params", ge=0, lt=1, help="momentum of the biases")
    wc = number(0.0, file="params", per_input=True, help="weight decay (L2), times the rate")
    wball = number(
        0.0,
        file="params",
        per_input=True,
        ge=0,
        dialects=("chm", "cc2"),
        help="bound on the norm of each filter's weights (0: none). 2012 source: times the number "
        "of weights of the filter; cuda-convnet2: the norm itself, always reached",
    )
    sched_w = schedule(
        Schedule(), file="params", dialects=("chm",), help="course of epsW over the run"
    )
    sched_b = schedule(
        Schedule(), file="params", dialects=("chm",), help="course of epsB over the run"
    )
    super_eps = number(
        0.0,
        file="params",
        ge=0,
        dialects=("chm", "cc2"),
        help="above 0: inc = 0.9·inc + eps·g / sqrt(G2 - G + superEps) - eps·wc·w, where g is "
        "minus the gradient a case, and G and G2 are running means of g and of g², with momentum "
        "momW or momB; ignored in files of cuda-convnet2",
    )
    super_mom = number(0.0, file="params", help="read by the originals, never used")
    update_period = integer(
        0, file="params", ge=0, dialects=("cc2",), help="passes between updates"
    )

    def prepare(self) -> None:
        self.join_schedules()

    def join_schedules(self) -> None:
        """Derive `rates_w` and `rate_b`, the rates with their schedules joined.

        FieldError where two schedules are given.
        """
        self.rates_w: tuple[Schedule, ...] = tuple(
            self._joined("sched_w", "eps_w", eps) for eps in self.eps_w
        )
        self.rate_b = self._joined("sched_b", "eps_b", self.eps_b)

    def _joined(self, shape_field: str, rate_field: str, eps: Schedule) -> Schedule:
        shape: Schedule = self.field_value(shape_field)
        if shape.kind == "const":
            return eps
        if eps.kind != "const":
            key = self.fields[rate_field].key
            raise self.wrong(shape_field, f"{key} carries a schedule already; drop one of the two")
        return shape.with_base(eps.base)

    def learning_rate(self, index: int | None) -> Schedule:
        """The rate of the weights of an input, or of the biases (None), over the run."""
        return self.rate_b if index is None else self.rates_w[index]

    def biases(self) -> Weight:
        """The biases: every type with weights has them."""
        raise NotImplementedError(f"{self.type_name}.biases")

    def weights_learn(self, index: int) -> bool:
        """Whether the weights of an input are trained, which their base rate decides."""
        return self.rates_w[index].base > 0

    def biases_learn(self) -> bool:
        return self.rate_b.base > 0

    def learns(self) -> bool:
        """Whether any of the layer's weights or biases are trained."""
        return self.biases_learn() or any(map(self.weights_learn, range(len(self.rates_w))))

    # -- the update ------------------------------------------------------------------------------

    def moments(self, index: int | None) -> tuple[str, ...]:
        """Names of the running means of a gradient that the update maintains beside its velocity.

        index: the input of the weights, None for the biases.
        """
        acts = self.super_eps > 0 and self.dialect is not None and self.dialect.super_eps_acts
        return ("mean", "square") if acts else ()

    def updates_elementwise(self, index: int | None) -> bool:
        """Whether `update` changes each value by its own gradient alone, so that it can be split.

        index: the input of the weights, None for the biases.
        """
        return True

    def update(
        self, ops: Recorder, index: int | None, p: UpdateArrays, tables: Mapping[str, ArrayView]
    ) -> None:
        """Record the call that updates one array (docs/dialect.md, 6.2 and 6.3).

        index: the input of the weights, None for the biases.  tables: the layer's.
        """
        arrays = p.value, p.gradient, p.velocity
        if p.moments:
            means = p.moments["mean"], p.moments["square"]
            update.by_deviation(ops, *arrays, *means, p.hyper, self.super_eps)
        else:
            update.sgd(ops, *arrays, p.hyper)

    def constrain(self, ops: Recorder, index: int, weight: Weight, value: ArrayView) -> None:
        """Record the calls that bound the norms of an input's filters (docs/dialect.md, 6.5)."""
        ball, dialect = self.wball[index], self.dialect
        if ball > 0:
            by_fan_in = dialect is not None and dialect.ball_times_fan_in
            limit = ball * weight.blocks[1] if by_fan_in else ball
            always = dialect is not None and dialect.ball_is_sphere and self.ball_may_be_sphere
            update.weight_ball(ops, value.shaped(*weight.blocks), limit, always)

    ball_may_be_sphere = True  # in cuda-convnet2 (not so local layers)

    def learning(self) -> dict[str, object]:
        by_schedule = self.dialect is not None and self.dialect.rates_are_schedules
        values = {
            "epsW": [_shown_rate(rate, by_schedule) for rate in self.rates_w],
            "epsB": _shown_rate(self.rate_b, by_schedule),
            "momW": list(self.mom_w),
            "momB": self.mom_b,
            "wc": list(self.wc),
            "wball": list(self.wball),
            "schedW": _as_course(self.sched_w),
            "schedB": _as_course(self.sched_b),
            "superEps": self.super_eps,
            "updatePeriod": self.update_period,
        }
        return self.read_here(values)


def _shown_rate(rate: Schedule, by_schedule: bool) -> object:
    if not by_schedule:
        return rate.base
    return {"type": rate.kind, "params": {"base": rate.base, **rate.parameters()}}


def _as_course(course: Schedule) -> dict[str, object]:
    if course.kind == "const":
        return {"type": "default", "params": {}}
    return {"type": course.kind, "params": {**course.parameters(), "noiseStdev": course.noise}}
