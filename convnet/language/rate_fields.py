"""Fields of learning rates: plain numbers, and schedules in the three syntaxes (dialect, 6.4)."""

from convnet.language import MalformedValue, did_you_mean, parse_call, quoted
from convnet.language.fields import NUMBER, Field, integer, number
from convnet.language.schedule import KINDS, Schedule

# The parameters of schedules: their check, and the attribute of Schedule they fill.
_PARTS = {
    "base": (number(key="base", ge=0), "base"),
    "tgtfactor": (number(key="tgtFactor", gt=0), "factor"),
    "numsteps": (integer(key="numSteps", ge=1, le=1000), "steps"),
    "noisestdev": (number(key="noiseStdev", ge=0), "noise"),
}
_STEPPED = ("dexp", "jdexp")
# By kind and number of values: the order of files written for an older parser of the 2012 source.
_ORDERS = {
    "const": {0: ()},
    "linear": {1: ("tgtfactor",), 2: ("tgtfactor", "noisestdev")},
    "dexp": {2: ("tgtfactor", "numsteps"), 3: ("tgtfactor", "noisestdev", "numsteps")},
}
_ORDERS |= {"exp": _ORDERS["linear"], "jdexp": _ORDERS["dexp"]}


class schedule(Field):  # noqa: N801
    """The course of a rate over the run, its base standing in another key (2012 source)."""

    what = "default or a schedule such as dexp[tgtFactor=250,numSteps=4]"

    def read_one(self, value):
        call = parse_call(value)
        kind = {"default": "const"}.get(call.name.lower(), call.name.lower())
        _check_kind(self, call, kind, ("default", *KINDS[1:]))
        named = call.named or self._by_position(kind, call, value)
        return _schedule(self, kind, call, named, value, _needed(kind))

    def _by_position(self, kind, call, value):
        order = _ORDERS[kind].get(len(call.arguments))
        if order is None:
            raise _lacking(self, kind, _needed(kind), value)
        return dict(zip(order, call.arguments, strict=True))


class rate(Field):  # noqa: N801
    """A learning rate: a number, or a schedule with its base (cuda-convnet2)."""

    what = "a number or a schedule such as dexp[base=0.01;tgtFactor=250;numSteps=4]"

    def read_one(self, value):
        if NUMBER.match(value.text):
            return Schedule(base=number(ge=0, key=self.key).read_one(value))
        call = parse_call(value)
        if not call.brackets:
            raise self.wrong(value)
        kind = call.name.lower()
        _check_kind(self, call, kind, KINDS)
        return _schedule(self, kind, call, call.named, value, ("base", *_needed(kind)))


def _needed(kind: str) -> tuple[str, ...]:
    if kind == "const":
        return ()
    return ("tgtfactor", "numsteps") if kind in _STEPPED else ("tgtfactor",)


def _check_kind(field, call, kind, kinds):
    if call.brackets == "(":
        raise MalformedValue(
            call.span, f"{field.key}: a schedule is written {kind}[...], with square brackets"
        )
    if kind not in kinds:
        near = did_you_mean(kind, kinds)
        message = f"{field.key}: there is no schedule {quoted(call.name)}"
        raise MalformedValue(call.span, message, near or f"schedules: {', '.join(kinds)}")


def _lacking(field, kind, names, value):
    words = [_PARTS[name][0].key for name in names]
    divider = ";" if "base" in names else ","
    form = f"{kind}[{divider.join(f'{word}=...' for word in words)}]" if words else kind
    return MalformedValue(
        value.span,
        f"{field.key}: {kind} needs {', '.join(words) or 'no parameters'}",
        f"write {form}" if value.text != form else "",
    )


def _schedule(field, kind, call, named, value, needed):
    """The Schedule; `needed` are the parameters that must be there, noise may be."""
    allowed = (*needed, "noisestdev")
    for name in named:
        if name not in allowed:
            known = [_PARTS[each][0].key for each in allowed]
            message = f"{field.key}: {kind} has no parameter {quoted(name)}"
            near = did_you_mean(name, known)
            raise MalformedValue(call.span, message, near or f"it has {', '.join(known)}")
    if any(name not in named for name in needed):
        raise _lacking(field, kind, needed, value)
    parts = {_PARTS[name][1]: _PARTS[name][0].read_one(v) for name, v in named.items()}
    return Schedule(kind=kind, **parts)
