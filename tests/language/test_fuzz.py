"""Whatever the text, the parser returns a SpecFile and Problems and never raises."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convnet.language import MalformedValue, Problems, Source, Span, format_spec, parse, parse_call

BOUNDS = settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

GOOD = """# two towers
[DEFAULT]
seed=3
[data]
type=data
dataIdx=0

[conv1a]
type: conv
inputs=data, data
filters=64,32 ; per group
neuron=tanh[1.79,-0.66]
initWFunc=initw.makew(conv1a,%(seed)s)
epsW=dexp[base=0.01;tgtFactor=250;numSteps=4],
  const[base=50%%]
gpu=""
"""

PARTS = [
    "[",
    "]",
    "(",
    ")",
    "=",
    ":",
    ";",
    " ;",
    "#",
    "%",
    "%(",
    ")s",
    "%%",
    ",",
    '""',
    "\n",
    "\t",
]
PARTS += [
    "\r\n",
    " ",
    "a",
    "DEFAULT",
    "rem",
    "[a]\n",
    "k=1\n",
    "\x00",
    "\x1b",
    "\ufeff",
    "\u2028",
]
PARTS += ["\u00e4", "\ud800", "%(k)s", "=======", "f[1,2]", "f[a=1;b=2]", "\n  "]

language_like = st.lists(st.sampled_from(PARTS), max_size=60).map("".join)


@st.composite
def mutated(draw):
    """The good file with a few parts removed, doubled or inserted."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(st.sampled_from([*PARTS, text[start:stop] * 2, ""]))
        text = text[:start] + new + text[stop:]
    return text


def check(text):
    problems = Problems()
    spec = parse(Source.from_text(text), problems)
    for problem in problems.errors + problems.warnings:
        shown = str(problem)
        assert shown.replace("\n", "").isprintable()
        assert shown.startswith(f"{problem.span}: ")
    for section in spec.sections:
        assert section.name.isascii()
        for entry in section.entries.values():
            for item in entry.value.items():
                assert 1 <= item.span.line <= len(item.span.source.lines)
                call_or_malformed(item)
    if not problems.errors:
        again = Problems()
        assert parse(Source.from_text(format_spec(spec)), again) == spec
        assert not again.errors


def call_or_malformed(value):
    try:
        parse_call(value)
    except MalformedValue as error:
        assert isinstance(error.span, Span)


@BOUNDS
@given(st.text(max_size=200))
def test_any_text(text):
    check(text)


@BOUNDS
@given(language_like)
def test_text_made_of_the_language(text):
    check(text)


@BOUNDS
@given(language_like)
def test_values_made_of_the_language(text):
    check("[a]\nk=1\nv=" + text)


@BOUNDS
@given(mutated())
def test_mutated_files(text):
    check(text)


def test_the_good_file_is_good():
    problems = Problems()
    parse(Source.from_text(GOOD), problems)
    assert not problems.errors and not problems.warnings
