"""How text from a file is shown in a message: harmless to a terminal, short, one column a cell."""

import unicodedata

QUOTED_LENGTH = 40


def harmless(text: str, mark: str = "?") -> str:
    """`text` with tabs as one space and everything else that does not print as `mark`, so that
    offsets stay what they were."""
    if text.isprintable():
        return text
    return "".join(" " if c == "\t" else c if c.isprintable() else mark for c in text)


def quoted(text: str) -> str:
    """`text` between quotes, as the user wrote it but harmless and not longer than a line."""
    text = harmless(text.replace("\n", " "))
    if len(text) > QUOTED_LENGTH:
        text = text[: QUOTED_LENGTH - 3] + "..."
    return f"'{text}'"


def named_character(character: str) -> str:
    """A single character for a message: itself, or its code and Unicode name."""
    if character == " ":
        return "a space"
    if character == "\t":
        return "a tab"
    if character.isprintable() and character.isascii():
        return f"'{character}'"
    name = unicodedata.name(character, "control character")
    return f"the character U+{ord(character):04X} ({name.lower()})"


def cells(text: str) -> int:
    """Columns that `text` takes in a terminal: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cell(c) for c in text)


def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
