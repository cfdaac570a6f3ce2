"""Typical mistakes as data: what a wrong line looks like, the sentence it deserves, how to repair
it, and examples, each of which is also a test.  The first row that matches speaks."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    pattern: re.Pattern
    message: str
    hint: str
    examples: tuple[str, ...]


def _mistake(pattern: str, message: str, hint: str, *examples: str) -> Mistake:
    return Mistake(re.compile(pattern), message, hint, examples)


# Groups of a pattern fill {0}, {1} ... of the sentences.
MISTAKES = (
    _mistake(
        r"([<>=|])\1{6}(?!\1)",
        "this line was left behind by a merge",
        "keep one of the two versions and remove the three marks",
        "<<<<<<< HEAD",
        "=======",
        ">>>>>>> branch: rate=0.1",
    ),
    _mistake(
        r"(//|/\*|\*|--\s|%|<!--)",
        "a comment does not start with '{0}' here",
        "write '#' at the first column",
        "// two towers",
        "/* two=towers",
        "% rate: 0.1",
    ),
    _mistake(
        r"([\"'`])",
        "a key stands without quotes",
        "write key=value",
        '"filters": 64,',
        "'type'=conv",
    ),
    _mistake(
        r"([{}])",
        "'{0}' has no meaning at the start of a line",
        "write [name], then one key=value a line",
        "{",
        "}",
    ),
    _mistake(
        r"([+@])",
        "'{0}' cannot start a line",
        "is this a line of a patch? remove the mark",
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
        "'{0}' is neither a section nor a key with its value",
        "write [{0}] to open a section, or {0}=value",
        "conv1",
    ),
    _mistake(
        r"[^=:]*$",
        "this line is no [section], no key=value and no comment",
        "a comment has '#' at the first column",
        "filters of 5x5",
        "conv1, conv2",
    ),
)


def explain(line: str) -> tuple[str, str] | None:
    """(message, hint) for a wrong line, or None if nothing typical is known about it."""
    for mistake in MISTAKES:
        match = mistake.pattern.match(line)
        if match:
            return mistake.message.format(*match.groups()), mistake.hint.format(*match.groups())
    return None
