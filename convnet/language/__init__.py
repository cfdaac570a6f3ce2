"""Reading layer and parameter files: text -> sections.  Knows the syntax, nothing about layers."""

from convnet.display import harmless, quoted
from convnet.language.parse import parse
from convnet.language.problems import Problem, Problems, did_you_mean
from convnet.language.read_source import read_source
from convnet.language.source import Source, Span
from convnet.language.specfile import Entry, Section, SpecFile, format_spec
from convnet.language.values import Call, MalformedValue, Value, parse_call

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
    "read_source",
]
