"""Typical mistakes as data: what a wrong line looks like, its message, how to repair it, and
examples, each of which is also a test.  The first row that matches a line is used."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A kind of wrong line.  Groups of the pattern fill {0}, {1}, ... of the message and hint."""

    pattern: re.Pattern[str]
    message: str
    hint: str
    examples: tuple[str, ...]


def _mistake(pattern: str, message: str, hint: str, *examples: str) -> Mistake:
    return Mistake(re.compile(pattern), message, hint, examples)


MISTAKES = (
    _mistake(
        r"([<>=|])\1{6}(?!\1)",
        "this line is a conflict marker of a merge",
        "keep one of the two versions and delete the markers",
        "<<<<<<< HEAD",
        "=======",
        ">>>>>>> branch: rate=0.1",
    ),
    _mistake(
        r"(//|/\*|\*|--\s|%|<!--)",
        "'{0}' does not start a comment",
        "write '#' in the first column",
        "// two towers",
        "/* two=towers",
        "% rate: 0.1",
    ),
    _mistake(
        r"([\"'`])",
        "a key is written without quotes",
        "write key=value",
        '"filters": 64,',
        "'type'=conv",
    ),
    _mistake(
        r"([{}])",
        "'{0}' cannot start a line",
        "write [name], then one key=value per line",
        "{",
        "}",
    ),
    _mistake(
        r"([+@])",
        "'{0}' cannot start a line",
        "is this line from a patch? remove the marker",
        "+filters=64",
        "@@ -1,4 +1,4 @@",
    ),
    _mistake(
        r"([=:])",
        "there is no key before '{0}'",
        "write key=value",
        "=64",
        ": 64",
    ),
    _mistake(
        r"([A-Za-z0-9_.\-]{1,40})[ \t]+([A-Za-z0-9_.\-]{1,40})\s*$",
        "there is no '=' after '{0}'",
        "write {0}={1}",
        "filters 64",
    ),
    _mistake(
        r"([A-Za-z0-9_.\-]{1,40})\s*$",
        "'{0}' is neither a section header nor a key with a value",
        "write [{0}] to start a section, or {0}=value",
        "conv1",
    ),
    _mistake(
        r"[^=:]*$",
        "this line is neither a [section] nor a key=value nor a comment",
        "a comment starts with '#' in the first column",
        "filters of 5x5",
        "conv1, conv2",
    ),
)


def explain(line: str) -> tuple[str, str] | None:
    """Return (message, hint) for a wrong line, or None if it is not a typical mistake."""
    for mistake in MISTAKES:
        match = mistake.pattern.match(line)
        if match:
            return mistake.message.format(*match.groups()), mistake.hint.format(*match.groups())
    return None
