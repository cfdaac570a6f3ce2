"""The text of one value and its finer syntax: comma lists, and calls such as dexp[base=0.1;...].

What a value means (a number, a layer name, ...) is decided elsewhere."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, cast

from convnet.display import quoted
from convnet.language.grammar import GrammarError, syntax_tree
from convnet.language.source import Span

if TYPE_CHECKING:
    from lark import Token, Tree


class MalformedValue(Exception):
    """A value that breaks its syntax at `span`; callers turn it into a Problem."""

    def __init__(self, span: Span, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.span, self.message, self.hint = span, message, hint


@dataclass(frozen=True)
class Value:
    """Text and where it was written.  Two values are equal if their texts are.

    line_spans: one span for each line of the text, where the text is in the file as it stands;
    empty where it is not (after interpolation), and then each part has the span of the whole.
    """

    text: str
    span: Span = field(compare=False)
    line_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def part(self, start: int, stop: int) -> "Value":
        """Return the characters start..stop of the text as a value, stripped, with their span."""
        text = self.text[start:stop].lstrip()
        start = min(stop, len(self.text)) - len(text)
        text = text.rstrip()
        if not self.line_spans:
            return Value(text, self.span)
        row = self._row(start)
        first, *rest = text.split("\n")
        spans = [self.span_at(start, len(first))]
        for span, line in zip(self.line_spans[row + 1 : row + 1 + len(rest)], rest, strict=True):
            spans.append(span.slice(0, len(line)))
        return Value(text, spans[0], tuple(spans))

    def span_at(self, start: int, width: int = 1) -> Span:
        """Return the span of `width` characters from `start`, within one line of the text."""
        if not self.line_spans:
            return self.span
        row = self._row(start)
        return self.line_spans[row].slice(start - self._line_starts[row], width)

    def _row(self, start: int) -> int:
        return bisect_right(self._line_starts, start) - 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def items(self) -> list["Value"]:
        """Return the items of a comma list; commas inside () and [] do not separate.

        An empty value has no items.  A value with unbalanced brackets, which `parse` reports, is
        one item.
        """
        return list(self._items)

    @cached_property
    def _items(self) -> list["Value"]:
        try:
            return split(self)
        except MalformedValue:
            return [self]


def split(value: Value) -> list[Value]:
    """Return `value.items()`.  Raises MalformedValue for unbalanced brackets."""
    if not value.text:
        return []
    nodes = _parsed(value, "list").children
    commas = [_start(node) for node in nodes if isinstance(node, str) and node.type == "COMMA"]
    starts = [0] + [comma + 1 for comma in commas]
    stops = commas + [len(value.text)]
    return [value.part(start, stop) for start, stop in zip(starts, stops, strict=True)]


@dataclass(frozen=True)
class Call:
    """A name with arguments.

    brackets: "" (no arguments), "[" or "(".  Of `arguments` (by position) and `named` (by
    lower-case key) at least one is empty.
    """

    name: str
    brackets: str
    arguments: tuple[Value, ...]
    named: dict[str, Value]
    span: Span = field(compare=False)


def parse_call(value: Value) -> Call:
    """Parse `name`, `name[a,b]`, `name[key=a;key=b]`, `name[key=a,key=b]` or `module.func(a,b)`.

    White space may surround the arguments.  Raises MalformedValue if the text is none of these.
    """
    name, *rest = _parsed(value, "call").children
    if not rest:
        return Call(str(name), "", (), {}, value.span)
    opener, closer = cast("Token", rest[0]), cast("Token", rest[-1])
    arguments = _arguments(value, str(name), rest[1:-1], _stop(opener), _start(closer))
    if opener == "(" or not any(key for key, _ in arguments):
        return Call(str(name), str(opener), tuple(v for _, v in arguments), {}, value.span)
    return Call(str(name), "[", (), _named(arguments), value.span)


def _parsed(value: Value, rule: str) -> "Tree[Token]":
    try:
        return syntax_tree(value.text, rule)
    except GrammarError as error:
        span = value.span_at(error.offset)
        # An expanded text is not in the file: show it.
        where = "" if value.line_spans else f"{quoted(value.text)}: "
        raise MalformedValue(span, where + error.message) from None


def _start(token: "Token") -> int:
    return token.start_pos or 0


def _stop(token: "Token") -> int:
    return token.end_pos or 0


Argument = tuple[Value | None, Value]  # its key, if it is named, and its value


def _arguments(
    value: Value, name: str, inner: "list[Token | Tree[Token]]", start: int, stop: int
) -> list[Argument]:
    """Return the arguments between the characters start and stop of a call.

    inner: the nodes between the brackets, arguments and dividers alternately.
    """
    nodes, dividers = cast("list[Tree[Token]]", inner[::2]), cast("list[Token]", inner[1::2])
    if len({str(divider) for divider in dividers}) > 1:
        span = value.span_at(_start(dividers[0]))
        raise MalformedValue(span, f"{name} separates its arguments with both ',' and ';'")
    starts = [start] + [_stop(divider) for divider in dividers]
    stops = [_start(divider) for divider in dividers] + [stop]
    found = [
        _argument(value, cast("list[Token]", node.children), first, last)
        for node, first, last in zip(nodes, starts, stops, strict=True)
    ]
    if len(found) == 1 and found[0][0] is None and not found[0][1].text:
        return []
    _check_arguments(name, found, ";" in dividers)
    return found


def _argument(value: Value, tokens: "list[Token]", start: int, stop: int) -> Argument:
    equals = next((token for token in tokens if token.type == "EQUALS"), None)
    if equals is None:
        return None, value.part(start, stop)
    return value.part(start, _start(equals)), value.part(_stop(equals), stop)


def _check_arguments(name: str, arguments: list[Argument], semicolons: bool) -> None:
    any_named = any(key is not None for key, _ in arguments)
    for number, (key, argument) in enumerate(arguments, 1):
        if any_named and key is None:
            message = f"{name} mixes named and positional arguments"
            raise MalformedValue(argument.span, message)
        if key is not None and not key.text:
            raise MalformedValue(key.span, f"{name}: a name is missing before '='")
        if not argument.text:
            which = quoted(key.text) if key else number
            raise MalformedValue(argument.span, f"{name}: argument {which} is empty")
    if semicolons and not any_named:
        message = f"{name}: ';' separates named arguments; use ',' between positional ones"
        raise MalformedValue(arguments[0][1].span, message)


def _named(arguments: list[Argument]) -> dict[str, Value]:
    named: dict[str, Value] = {}
    for key, argument in arguments:
        if key is None:
            continue  # never: `_check_arguments` refuses a mixture
        if key.text.lower() in named:
            raise MalformedValue(key.span, f"{quoted(key.text)} is given twice")
        named[key.text.lower()] = argument
    return named
