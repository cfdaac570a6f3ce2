"""How text from a file is shown in a message: safe for a terminal, short, one column per cell."""

import re
import unicodedata

QUOTED_LENGTH = 40

# Control characters but the line feed; characters that change the direction of writing or begin a
# line; and surrogates, which stand for bytes that are no text.
_CONTROLS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def escaped(text: str) -> str:
    r"""Return `text` with its control characters as Python writes them, such as \x1b for ESC.

    Line feeds stay.
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def harmless(text: str, mark: str = "?") -> str:
    """Return `text` safe to print: tabs become a space, other unprintable characters `mark`.

    Each character becomes one character, so offsets stay valid.
    """
    if text.isprintable():
        return text
    return "".join(" " if c == "\t" else c if c.isprintable() else mark for c in text)


def quoted(text: str) -> str:
    """Return `text` in quotes, safe to print and cut to QUOTED_LENGTH characters."""
    text = harmless(text.replace("\n", " "))
    if len(text) > QUOTED_LENGTH:
        text = text[: QUOTED_LENGTH - 3] + "..."
    return f"'{text}'"


def named_character(character: str) -> str:
    """Return a character for a message: in quotes, or its code point and Unicode name."""
    if character == " ":
        return "a space"
    if character == "\t":
        return "a tab"
    if character.isprintable() and character.isascii():
        return f"'{character}'"
    name = unicodedata.name(character, "control character")
    return f"the character U+{ord(character):04X} ({name.lower()})"


def cells(text: str) -> int:
    """Return the width of `text` in a terminal: wide characters count twice, combining ones not."""
    if text.isascii():
        return len(text)
    return sum(_cell(c) for c in text)


def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
