"""Comma lists and calls."""

import pytest

from convnet.language import MalformedValue, Source, Span, Value, parse_call
from convnet.language.values import split


def value(text):
    """A value that is a whole source of its own."""
    source = Source.from_text(text)
    spans = [Span(source, i, 1, max(1, len(line))) for i, line in enumerate(source.lines, 1)]
    return Value(text, spans[0], tuple(spans))


def texts(values):
    return [v.text for v in values]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a,", ["a", ""]),
        (",", ["", ""]),
        ("dexp[a=1,b=2], f(1,2),x", ["dexp[a=1,b=2]", "f(1,2)", "x"]),
        ("f(a[1,2],b),c", ["f(a[1,2],b)", "c"]),
        ("f[1,2", ["f[1,2"]),
        ("a],b", ["a],b"]),
    ],
)
def test_items(text, items):
    assert texts(value(text).items()) == items


def test_items_have_their_spans():
    found = value("ab ,  c[1, 2] ,").items()
    assert [(v.span.column, v.span.width) for v in found] == [(1, 2), (7, 7), (16, 1)]


def test_split_refuses_unbalanced_brackets():
    with pytest.raises(MalformedValue, match=r"'\(' is closed by ']', not '\)'"):
        split(value("f(1]"))


@pytest.mark.parametrize(
    ("text", "name", "brackets", "arguments", "named"),
    [
        ("relu", "relu", "", [], {}),
        ("dexp[250,0,4]", "dexp", "[", ["250", "0", "4"], {}),
        ("tanh[1.79, -0.66]", "tanh", "[", ["1.79", "-0.66"], {}),
        ("dexp[base=0.1;tgtFactor=25]", "dexp", "[", [], {"base": "0.1", "tgtfactor": "25"}),
        ("x[ a = 1 , B=2 ]", "x", "[", [], {"a": "1", "b": "2"}),
        ("initw.makew(conv1a, p=3)", "initw.makew", "(", ["conv1a", "p=3"], {}),
        ("f()", "f", "(", [], {}),
        ("f[ ]", "f", "[", [], {}),
        ("1a-b.c[0]", "1a-b.c", "[", ["0"], {}),
        ("f[a\n,b]", "f", "[", ["a", "b"], {}),
    ],
)
def test_calls(text, name, brackets, arguments, named):
    call = parse_call(value(text))
    assert (call.name, call.brackets, texts(call.arguments)) == (name, brackets, arguments)
    assert {key: v.text for key, v in call.named.items()} == named


def test_arguments_have_their_spans():
    call = parse_call(value("dexp[base = 0.1; n=4]"))
    assert call.span.width == 21
    assert (call.named["base"].span.column, call.named["base"].span.width) == (13, 3)
    assert call.named["n"].span.column == 20
    second = parse_call(value("f[a,\nbc]")).arguments[1]
    assert (second.span.line, second.span.column, second.span.width) == (2, 1, 2)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the value is empty"),
        ("[a]", 1, "a name is missing before '['"),
        ("a b", 2, "a space is not allowed here"),
        ("a]b", 2, "']' has no opening '['"),
        ("a[b]c", 5, "there is text after ']'"),
        ("a[b]]", 5, "there is text after ']'"),
        ("a[b", 2, "'[' has no closing ']'"),
        ("a(", 2, "'(' has no closing ')'"),
        ("a(b]", 4, "'(' is closed by ']', not ')'"),
        ("a[(b)]", 3, "'(' is not allowed inside '['"),
        ("a[1,,2]", 5, "a: argument 2 is empty"),
        ("a[,]", 3, "a: argument 1 is empty"),
        ("a(1,)", 5, "a: argument 2 is empty"),
        ("a[k=]", 5, "a: argument 'k' is empty"),
        ("a[=1]", 3, "'=' is not allowed here"),
        ("a[ =1]", 4, "a: a name is missing before '='"),
        ("a[k=1=2]", 6, "'=' is not allowed here"),
        ("a[1,k=2]", 3, "a mixes named and positional arguments"),
        ("a[k=1;2]", 7, "a mixes named and positional arguments"),
        ("a[k=1;j=2,i=3]", 6, "a separates its arguments with both ',' and ';'"),
        ("a[1;2]", 3, "a: ';' separates named arguments; use ',' between positional ones"),
        ("a[k=1,K=2]", 7, "'K' is given twice"),
        ("1e+5", 3, "'+' is not allowed here"),
    ],
)
def test_malformed_calls(text, column, message):
    with pytest.raises(MalformedValue) as caught:
        parse_call(value(text))
    assert (caught.value.message, caught.value.span.column) == (message, column)


def test_a_value_without_line_spans_shows_its_text():
    span = Span(Source.from_text("%(x)s"), 1, 1, 5)
    with pytest.raises(MalformedValue, match=r"^'f\[1': '\[' has no closing") as caught:
        parse_call(Value("f[1", span))
    assert caught.value.span == span
