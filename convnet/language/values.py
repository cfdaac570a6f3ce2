"""The text of one value and its finer syntax: comma lists and calls such as dexp[base=0.1;...].

What a value means (a number, a layer name ...) is decided elsewhere."""

from dataclasses import dataclass, field

from convnet.language.display import quoted
from convnet.language.grammar import GrammarError, tree
from convnet.language.source import Span


class MalformedValue(Exception):
    """A value that breaks its syntax at `span`; callers turn it into a Problem."""

    def __init__(self, span: Span, message: str, hint: str = ""):
        super().__init__(message)
        self.span, self.message, self.hint = span, message, hint


@dataclass(frozen=True)
class Value:
    """Text and where it was written.  Two values are equal if their texts are.

    `pieces` are the spans of the text's lines when the text stands in the file letter by letter;
    it is empty when it does not (after interpolation), and every part then has the whole span."""

    text: str
    span: Span = field(compare=False)
    pieces: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def part(self, start: int, stop: int) -> "Value":
        """The characters start..stop of the text as a value, stripped, with their own span."""
        text = self.text[start:stop].lstrip()
        start = min(stop, len(self.text)) - len(text)
        text = text.rstrip()
        if not self.pieces:
            return Value(text, self.span)
        row = self.text.count("\n", 0, start)
        first, *rest = text.split("\n")
        pieces = [self.place(start, len(first))]
        for piece, line in zip(self.pieces[row + 1 : row + 1 + len(rest)], rest, strict=True):
            pieces.append(piece.slice(0, len(line)))
        return Value(text, pieces[0], tuple(pieces))

    def place(self, start: int, width: int = 1) -> Span:
        """The span of `width` characters from `start` on, within one line of the text."""
        if not self.pieces:
            return self.span
        row = self.text.count("\n", 0, start)
        return self.pieces[row].slice(start - (self.text.rfind("\n", 0, start) + 1), width)

    def items(self) -> list["Value"]:
        """The items of a comma list; commas inside () and [] do not divide.  An empty value has no
        items; a value with unbalanced brackets, which `parse` reports, is one item."""
        try:
            return split(self)
        except MalformedValue:
            return [self]


def split(value: Value) -> list[Value]:
    """Like `value.items()`, but unbalanced brackets raise MalformedValue."""
    if not value.text:
        return []
    found = _parsed(value, "list").children
    commas = [c.start_pos for c in found if getattr(c, "type", "") == "COMMA"]
    starts = [0] + [comma + 1 for comma in commas]
    stops = commas + [len(value.text)]
    return [value.part(start, stop) for start, stop in zip(starts, stops, strict=True)]


@dataclass(frozen=True)
class Call:
    """A name with arguments: `brackets` is "" (none given), "[" or "(".  Either `arguments` (by
    position) or `named` (by lower-case key) is empty."""

    name: str
    brackets: str
    arguments: tuple[Value, ...]
    named: dict[str, Value]
    span: Span = field(compare=False)


def parse_call(value: Value) -> Call:
    """Read `name`, `name[a,b]`, `name[key=a;key=b]`, `name[key=a,key=b]` or `module.func(a,b)`.
    White space may stand round the arguments.  MalformedValue if the text is none of these."""
    name, *rest = _parsed(value, "call").children
    if not rest:
        return Call(str(name), "", (), {}, value.span)
    opener, *inner, closer = rest
    arguments = _arguments(value, str(name), inner, opener.end_pos, closer.start_pos)
    if opener == "(" or not any(key for key, _ in arguments):
        return Call(str(name), str(opener), tuple(v for _, v in arguments), {}, value.span)
    return Call(str(name), "[", (), _named(arguments), value.span)


def _parsed(value: Value, rule: str):
    try:
        return tree(value.text, rule)
    except GrammarError as error:
        span = value.place(error.offset)
        # An expanded text does not stand in the file: show it.
        where = "" if value.pieces else f"{quoted(value.text)}: "
        raise MalformedValue(span, where + error.message) from None


def _arguments(value, name, inner, start, stop) -> list[tuple[Value | None, Value]]:
    """(key or None, value) of each argument; `inner` alternates arguments and dividers."""
    dividers = inner[1::2]
    if len({str(divider) for divider in dividers}) > 1:
        span = value.place(dividers[0].start_pos)
        raise MalformedValue(span, f"{name} divides its arguments by both ',' and ';'")
    starts = [start] + [divider.end_pos for divider in dividers]
    stops = [divider.start_pos for divider in dividers] + [stop]
    found = []
    for argument, start, stop in zip(inner[::2], starts, stops, strict=True):
        equals = next((t for t in argument.children if t.type == "EQUALS"), None)
        key = value.part(start, equals.start_pos) if equals else None
        found.append((key, value.part(equals.end_pos if equals else start, stop)))
    if len(found) == 1 and found[0][0] is None and not found[0][1].text:
        return []
    _check_arguments(name, found, ";" in dividers)
    return found


def _check_arguments(name, arguments, semicolons):
    keyed = [key is not None for key, _ in arguments]
    for number, (key, argument) in enumerate(arguments, 1):
        if any(keyed) and key is None:
            message = f"{name} mixes arguments with and without names"
            raise MalformedValue(argument.span, message)
        if key is not None and not key.text:
            raise MalformedValue(key.span, f"{name}: a name is missing before '='")
        if not argument.text:
            which = quoted(key.text) if key else number
            raise MalformedValue(argument.span, f"{name}: argument {which} is empty")
    if semicolons and not any(keyed):
        message = f"{name}: ';' divides named arguments; use ',' between plain ones"
        raise MalformedValue(arguments[0][1].span, message)


def _named(arguments) -> dict[str, Value]:
    named: dict[str, Value] = {}
    for key, argument in arguments:
        if key.text.lower() in named:
            raise MalformedValue(key.span, f"{quoted(key.text)} is given twice")
        named[key.text.lower()] = argument
    return named
