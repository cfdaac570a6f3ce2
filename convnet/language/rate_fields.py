"""Fields of learning rates: numbers, and schedules in three syntaxes (docs/dialect.md, 6.4)."""

from typing import Any, Literal, Unpack, cast, overload

from convnet.language.display import quoted
from convnet.language.fields import (
    DECIMAL,
    Field,
    FieldOptions,
    IntegerField,
    NumberField,
)
from convnet.language.problems import did_you_mean
from convnet.language.schedule import KINDS, Schedule
from convnet.language.values import Call, MalformedValue, Value, parse_call

# The parameters of schedules, by lower-case key.
_PARAMETERS = {
    "base": NumberField(key="base", ge=0),
    "tgtfactor": NumberField(key="tgtFactor", gt=0),
    "numsteps": IntegerField(key="numSteps", ge=1, le=1000),
    "noisestdev": NumberField(key="noiseStdev", ge=0),
}
_STEPPED = ("dexp", "jdexp")
# By kind and number of values: the order of files written for an older parser of the 2012 source.
_ORDERS: dict[str, dict[int, tuple[str, ...]]] = {
    "const": {0: ()},
    "linear": {1: ("tgtfactor",), 2: ("tgtfactor", "noisestdev")},
    "dexp": {2: ("tgtfactor", "numsteps"), 3: ("tgtfactor", "noisestdev", "numsteps")},
}
_ORDERS |= {"exp": _ORDERS["linear"], "jdexp": _ORDERS["dexp"]}


class ScheduleField(Field):
    """How a rate changes over the run, its base being in another key (2012 source)."""

    expected = "default or a schedule such as dexp[tgtFactor=250,numSteps=4]"

    def read_one(self, value: Value) -> Schedule:
        call = parse_call(value)
        name = call.name.lower()
        _check_kind(self, call, name, ("default", *KINDS[1:]))
        kind = "const" if name == "default" else name
        named = call.named or self._by_position(kind, call, value)
        return _schedule(self, kind, call, named, value)

    def _by_position(self, kind: str, call: Call, value: Value) -> dict[str, Value]:
        order = _ORDERS[kind].get(len(call.arguments))
        if order is None:
            raise _missing_parameters(self, kind, _required(kind), value)
        return dict(zip(order, call.arguments, strict=True))


class RateField(Field):
    """A learning rate: a number, or a schedule with its base (cuda-convnet2)."""

    expected = "a number or a schedule such as dexp[base=0.01;tgtFactor=250;numSteps=4]"
    neutral = Schedule()

    def read_one(self, value: Value) -> Schedule:
        if DECIMAL.match(value.text):
            return Schedule(base=NumberField(ge=0, key=self.key).read_one(value))
        call = parse_call(value)
        if not call.brackets:
            raise self.invalid(value)
        kind = call.name.lower()
        _check_kind(self, call, kind, KINDS)
        return _schedule(self, kind, call, call.named, value, ("base",))


def _required(kind: str) -> tuple[str, ...]:
    """Return the parameters that a kind of schedule needs beside its base."""
    if kind == "const":
        return ()
    return ("tgtfactor", "numsteps") if kind in _STEPPED else ("tgtfactor",)


def _check_kind(field: Field, call: Call, kind: str, kinds: tuple[str, ...]) -> None:
    if call.brackets == "(":
        raise MalformedValue(
            call.span, f"{field.key}: a schedule is written {kind}[...], with square brackets"
        )
    if kind not in kinds:
        near = did_you_mean(kind, kinds)
        message = f"{field.key}: there is no schedule {quoted(call.name)}"
        raise MalformedValue(call.span, message, near or f"schedules: {', '.join(kinds)}")


def _missing_parameters(
    field: Field, kind: str, names: tuple[str, ...], value: Value
) -> MalformedValue:
    keys = [_PARAMETERS[name].key for name in names]
    divider = ";" if "base" in names else ","
    form = f"{kind}[{divider.join(f'{key}=...' for key in keys)}]" if keys else kind
    message = f"{field.key}: {kind} needs {', '.join(keys) or 'no parameters'}"
    return MalformedValue(value.span, message, f"write {form}" if value.text != form else "")


def _schedule(
    field: Field,
    kind: str,
    call: Call,
    named: dict[str, Value],
    value: Value,
    base: tuple[str, ...] = (),
) -> Schedule:
    """Return the schedule of named parameters; those it needs must be there, noise may be.

    base: ("base",) where the base is one of them.
    """
    required = (*base, *_required(kind))
    allowed = (*required, "noisestdev")
    for name in named:
        if name not in allowed:
            known = [_PARAMETERS[each].key for each in allowed]
            message = f"{field.key}: {kind} has no parameter {quoted(name)}"
            near = did_you_mean(name, known)
            raise MalformedValue(call.span, message, near or f"its parameters: {', '.join(known)}")
    if any(name not in named for name in required):
        raise _missing_parameters(field, kind, required, value)
    numbers = {name: _PARAMETERS[name].read_one(text) for name, text in named.items()}
    return Schedule(
        kind=kind,
        base=numbers.get("base", Schedule.base),
        factor=numbers.get("tgtfactor", Schedule.factor),
        steps=int(numbers.get("numsteps", Schedule.steps)),
        noise=numbers.get("noisestdev", Schedule.noise),
    )


# -- declarations: annotated with the type of the value (see fields.py) ---------------------------


@overload
def rate(*, per_input: Literal[True], **options: Unpack[FieldOptions]) -> tuple[Schedule, ...]: ...
@overload
def rate(**options: Unpack[FieldOptions]) -> Schedule: ...
def rate(**options: Any) -> Any:
    """Declare a learning rate, which may be a schedule."""
    return RateField(**options)


def schedule(default: Schedule, **options: Unpack[FieldOptions]) -> Schedule:
    """Declare how a rate that is in another key changes over the run."""
    return cast("Schedule", ScheduleField(default, **options))
