"""Parses with grammar.lark.  Lark itself is imported at the first parse, so that commands which
parse nothing start faster."""

import re
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from convnet.display import named_character

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

_LONGEST_CACHED = 1000  # characters; the tree of a text takes up to a thousand times its size
CLOSERS = {"[": "]", "(": ")"}


class GrammarError(Exception):
    """The text does not follow the grammar at `offset` (characters from its start)."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def syntax_tree(text: str, rule: str) -> "Tree[Token]":
    """Return the syntax tree of `text` by a rule of the grammar; callers must not change it.

    The rule `file` takes any text that ends in a newline.  `list` and `call` raise GrammarError.
    """
    return _cached_tree(text, rule) if len(text) <= _LONGEST_CACHED else _new_tree(text, rule)


def _new_tree(text: str, rule: str) -> "Tree[Token]":
    from lark.exceptions import UnexpectedInput

    try:
        return _lark().parse(text, start=rule)
    except UnexpectedInput as error:
        raise _explanation(error, text) from None


# Many layers have the same values.
_cached_tree = lru_cache(maxsize=1024)(_new_tree)


@cache
def _lark() -> "Lark":
    from lark import Lark

    text = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    # The `re` module is Lark's default too; positions come from the tokens, which always have them.
    return Lark(
        text,
        parser="lalr",
        lexer="contextual",
        start=["file", "list", "call"],
        regex=False,
        maybe_placeholders=False,
        propagate_positions=False,
        g_regex_flags=re.NOFLAG,
    )


def _explanation(error: "UnexpectedInput", text: str) -> GrammarError:
    """Return what is wrong in a value, for the error that Lark stopped with."""
    token = getattr(error, "token", None)
    at_end = token is not None and token.type == "$END"
    offset = len(text) if at_end else error.pos_in_stream or 0
    opener = _open_bracket(error)
    if at_end and offset > 0 and opener is not None:
        message = f"'{opener}' has no closing '{CLOSERS[opener]}'"
        return GrammarError(opener.start_pos or 0, message)
    return GrammarError(offset, _unexpected(text, offset, opener))


def _unexpected(text: str, offset: int, opener: str | None) -> str:
    """Return what is wrong with the character at `offset`; `opener`: the bracket that is open."""
    found = text[offset : offset + 1]
    closes = found in CLOSERS.values()
    if offset == 0 and not closes:
        return (
            f"a name is missing before {named_character(found)}" if found else "the value is empty"
        )
    if opener is not None and closes:
        return f"'{opener}' is closed by '{found}', not '{CLOSERS[opener]}'"
    if opener is not None and found in CLOSERS:
        return f"'{found}' is not allowed inside '{opener}'"
    if text[offset - 1] in CLOSERS.values():
        return f"there is text after '{text[offset - 1]}'"
    if closes:
        return f"'{found}' has no opening '{_opener_of(found)}'"
    return f"{named_character(found)} is not allowed here"


def _opener_of(closer: str) -> str:
    return next(opener for opener, other in CLOSERS.items() if other == closer)


def _open_bracket(error: "UnexpectedInput") -> "Token | None":
    """Return the innermost bracket that is open where the parser stopped, or None."""
    parser = getattr(error, "interactive_parser", None)
    open_brackets: list[Token] = []
    for token in parser.parser_state.value_stack if parser is not None else ():
        if isinstance(token, str) and token in CLOSERS:
            open_brackets.append(token)  # type: ignore[arg-type]
        elif isinstance(token, str) and token in CLOSERS.values():
            open_brackets.pop()
    return open_brackets[-1] if open_brackets else None
