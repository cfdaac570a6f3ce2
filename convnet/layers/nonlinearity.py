"""The elementwise nonlinearities that `neuron=` names (paper, 3.1; docs/dialect.md, 4)."""

from dataclasses import dataclass

from convnet.language import MalformedValue, Value, did_you_mean, parse_call, quoted
from convnet.language.fields import DECIMAL


@dataclass(frozen=True)
class NeuronType:
    """One nonlinearity: its formula, its parameters, and whether f' is taken from x (else y)."""

    formula: str
    derivative: str
    parameters: str = ""
    reads_input: bool = False
    dialects: tuple[str, ...] = ("cc1", "chm", "cc2")


NEURONS = {
    "ident": NeuronType("x", "1"),
    "relu": NeuronType("max(0, x)", "1 where y > 0"),
    "nrelu": NeuronType(
        "max(0, r + N(0,1)·sqrt(r)), r = max(0, x)", "1 where y > 0", dialects=("chm",)
    ),
    "brelu": NeuronType("min(a, max(0, x))", "1 where 0 < y < a", "a"),
    "drelu": NeuronType(
        "x - a·tanh(x/a)", "tanh²(x/a)", "a", reads_input=True, dialects=("chm", "cc2")
    ),
    "softrelu": NeuronType("log(1 + e^x), x itself above 4", "1 - e^-y, 1 above 4"),
    "logistic": NeuronType("1 / (1 + e^-x)", "y·(1 - y)"),
    "tanh": NeuronType("a·tanh(b·x)", "b·(a - y²/a)", "ab"),
    "abs": NeuronType("|x|", "1 where x > 0, else -1", reads_input=True),
    "square": NeuronType("x²", "2x", reads_input=True),
    "sqrt": NeuronType("sqrt(x)", "1 / 2y"),
    "linear": NeuronType("a·x + b", "a", "ab"),
    "log": NeuronType("log(a + x)", "1 / (a + x)", "a", reads_input=True, dialects=("cc2",)),
}
DEFAULTS = {"tanh": (1.0, 1.0)}  # our extension: plain `tanh` is tanh(x)


@dataclass(frozen=True)
class Nonlinearity:
    """A nonlinearity as a spec names it: its type, parameters a and b, and the text."""

    kind: str
    a: float
    b: float
    text: str

    @property
    def type(self) -> NeuronType:
        return NEURONS[self.kind]


def parse_neuron(value: Value) -> Nonlinearity:
    """`relu`, `tanh[1.7,0.66]`, ...; MalformedValue says what is wrong and where."""
    call = parse_call(value)
    known = NEURONS.get(call.name)
    if known is None:
        hint = did_you_mean(call.name, NEURONS)
        listed = ", ".join(form(name) for name in NEURONS)
        raise MalformedValue(
            value.span,
            f"there is no neuron {quoted(call.name)}",
            "\n".join(filter(None, [hint, f"neurons: {listed}"])),
        )
    numbers = [item.text for item in call.arguments]
    if not numbers and not call.named and call.name in DEFAULTS:
        return Nonlinearity(call.name, *DEFAULTS[call.name], value.text)
    good = len(numbers) == len(known.parameters) and not call.named and call.brackets != "("
    if not good or not all(DECIMAL.match(text) for text in numbers):
        raise MalformedValue(
            value.span, f"neuron must be written {form(call.name)}, found {quoted(value.text)}"
        )
    a, b = [*map(float, numbers), 0.0, 0.0][:2]
    if max(abs(a), abs(b)) > 1e30:
        raise MalformedValue(value.span, f"{form(call.name)}: numbers must be of sensible size")
    if call.name in ("brelu", "drelu", "tanh") and a == 0:
        raise MalformedValue(value.span, f"{form(call.name)}: a must not be 0")
    return Nonlinearity(call.name, a, b, "".join(value.text.split()))


def form(name: str) -> str:
    """How a neuron is written."""
    parameters = ",".join(NEURONS[name].parameters)
    return f"{name}[{parameters}]" if parameters else name
