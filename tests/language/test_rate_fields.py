"""Learning rates and schedules as they are written."""

import pytest

from convnet.language import MalformedValue, Source, Span, Value
from convnet.language.rate_fields import RateField, ScheduleField
from convnet.language.schedule import Schedule


def read(field, text):
    return field.read(Value(text, Span(Source.from_text(text), 1, 1, len(text))), 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.01", Schedule(base=0.01)),
        ("const[base=0.01]", Schedule(base=0.01)),
        ("Linear[base=1;tgtFactor=10]", Schedule("linear", 1, 10)),
        ("exp[base=1,tgtFactor=10,noiseStdev=0.5]", Schedule("exp", 1, 10, noise=0.5)),
        ("jdexp[base=1;tgtFactor=10;numSteps=4]", Schedule("jdexp", 1, 10, 4)),
    ],
)
def test_rates(text, expected):
    assert read(RateField(key="epsW"), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default", Schedule()),
        ("linear[tgtFactor=10]", Schedule("linear", factor=10)),
        ("linear[10,0.5]", Schedule("linear", factor=10, noise=0.5)),
        ("exp[10]", Schedule("exp", factor=10)),
        ("dexp[250,0.5,4]", Schedule("dexp", factor=250, steps=4, noise=0.5)),
        ("jdexp[250,4]", Schedule("jdexp", factor=250, steps=4)),
    ],
)
def test_schedules_beside_a_rate(text, expected):
    assert read(ScheduleField(key="schedW"), text) == expected


@pytest.mark.parametrize("text", ["const", "step[10]", "exp(10)", "exp[10,0,1]", "dexp[10]"])
def test_wrong_schedules(text):
    with pytest.raises(MalformedValue, match="schedW: "):
        read(ScheduleField(key="schedW"), text)
