"""Reading layer and parameter files: text -> sections.  Knows the syntax, nothing about layers."""

from convnet.spec.display import harmless, quoted
from convnet.spec.parse import parse
from convnet.spec.problems import Problem, Problems, did_you_mean
from convnet.spec.source import Source, Span
from convnet.spec.specfile import Entry, Section, SpecFile, format_spec
from convnet.spec.values import Call, MalformedValue, Value, parse_call

__all__ = [
    "Call",
    "Entry",
    "MalformedValue",
    "Problem",
    "Problems",
    "Section",
    "Source",
    "Span",
    "SpecFile",
    "Value",
    "did_you_mean",
    "format_spec",
    "harmless",
    "parse",
    "parse_call",
    "quoted",
]
