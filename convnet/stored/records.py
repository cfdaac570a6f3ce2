"""Records read from files, checked against a declaration.

A record is declared once, as a `msgspec.Struct` with types and ranges:

    class Shard(msgspec.Struct):
        images: Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
        sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

`from_json` and `from_objects` return an instance, or raise an error of the reader's own kind that
names the file, the field, what was found and what was expected.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError

T = TypeVar("T")
_PLACE = re.compile(r" - at `\$?\.?(?:key in )?(.*)`\Z")
_LONGEST = 60  # characters of a found value that a message shows


def from_json(
    text: bytes | str, kind: type[T], source: object, error: type[ConvnetError] = DataError
) -> T:
    """Return the record that a JSON text contains.

    source: the file, and where in it if that is not clear, for the message.  Raises `error`.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        where = f"line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else "it"
        raise error(f"{harmless(str(source))}: is damaged: {where} is not valid JSON") from None
    return from_objects(value, kind, source, error)


def from_objects(
    value: Any, kind: type[T], source: object, error: type[ConvnetError] = DataError
) -> T:
    """Return the record that plain objects (dicts, lists, numbers, strings) make up.

    Sequences may be lists or tuples, and integers are accepted where floats are declared; nothing
    else is converted.  Raises `error`.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, OverflowError) as problem:
        raise error(_message(value, source, str(problem))) from None


def _message(value: Any, source: object, problem: str) -> str:
    match = _PLACE.search(problem)
    place = match[1] if match else ""
    text = problem[: match.start()] if match else problem
    text = text.replace("`", "").replace("Object missing required field ", "there is no field ")
    expected, _, found = text.partition(", got ")
    shown = f", found {_found(value, place, found)}" if found or "xpected" in expected else ""
    field = f"{place}: " if place else ""
    return f"{harmless(str(source))}: is damaged: {harmless(field)}{_lower(expected)}{shown}"


def _found(value: Any, place: str, kind: str) -> str:
    """The offending value if it can be shown shortly, else its type."""
    for step in re.findall(r"[^.\[\]]+", place):
        try:
            value = value[int(step) if isinstance(value, list | tuple) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return kind or "something else"
    if isinstance(value, str | int | float) or value is None:
        text = json.dumps(value) if not isinstance(value, float) else repr(value)
        if len(text) <= _LONGEST:
            return harmless(text)
    return kind or type(value).__name__


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
