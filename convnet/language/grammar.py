"""Loads grammar.lark.  Lark itself is imported at the first parse: most commands' start-up and
`import convnet` should not pay for it."""

import re
from functools import cache, lru_cache
from importlib import resources

from convnet.language.display import named_character


@cache
def _lark():
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


@lru_cache(maxsize=1024)  # many layers have the same values
def tree(text: str, start: str):
    """The Lark tree of `text` by the rule `start`; nobody may change it.  `file` takes any text
    that ends in a newline; `list` and `call` raise `GrammarError`."""
    from lark.exceptions import UnexpectedInput

    try:
        return _lark().parse(text, start=start)
    except UnexpectedInput as error:
        raise _explained(error, text) from None


class GrammarError(Exception):
    """The text does not follow the grammar at `offset` (characters from its start)."""

    def __init__(self, offset: int, message: str):
        super().__init__(message)
        self.offset = offset
        self.message = message


CLOSERS = {"[": "]", "(": ")"}


def _explained(error, text: str) -> GrammarError:
    """The sentence for a Lark error in a value: what stands there and what is missing."""
    token = getattr(error, "token", None)
    at_end = token is not None and token.type == "$END"
    offset = len(text) if at_end else error.pos_in_stream
    opener = _open_bracket(error)
    found = text[offset : offset + 1]
    if offset == 0 and found not in CLOSERS.values():
        message = f"a name is missing before {named_character(found)}" if found else "it is empty"
    elif at_end and opener is not None:
        offset = opener.start_pos
        message = f"'{opener}' is never closed by '{CLOSERS[opener]}'"
    elif opener is not None and found in CLOSERS.values():
        message = f"'{opener}' is closed by '{found}', not '{CLOSERS[opener]}'"
    elif opener is not None and found in CLOSERS:
        message = f"'{found}' cannot stand inside '{opener}'"
    elif text[offset - 1] in CLOSERS.values():
        message = f"nothing may follow '{text[offset - 1]}'"
    elif found in CLOSERS.values():
        message = f"'{found}' closes nothing"
    else:
        message = f"{named_character(found)} cannot stand here"
    return GrammarError(offset, message)


def _open_bracket(error):
    """The innermost bracket that is open where the parser stopped, or None."""
    parser = getattr(error, "interactive_parser", None)
    open_brackets = []
    for token in parser.parser_state.value_stack if parser is not None else ():
        if isinstance(token, str) and token in CLOSERS:
            open_brackets.append(token)
        elif isinstance(token, str) and token in CLOSERS.values():
            open_brackets.pop()
    return open_brackets[-1] if open_brackets else None
