"""Records read from files, checked against a declaration.

A record is declared once, as a `msgspec.Struct` with types and ranges:

    class Shard(msgspec.Struct):
        images: Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
        sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

`from_json` and `from_objects` return an instance, or raise an error of the reader's own kind that
names the file, the field, what was found and what was expected.  `Count`, `Positive` and `Finite`
are types with the ranges that most fields have.

A type with a range must not stand in a union with a tuple of fixed length, as in `Count |
tuple[Count, Count]`: msgspec 0.22 then corrupts memory.  Use a list with a length instead.
"""

import json
import re
from typing import Annotated, Any, TypeVar

import msgspec

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError

T = TypeVar("T")
MOST = 1 << 53  # above all counts: what a float64 still counts exactly
Count = Annotated[int, msgspec.Meta(ge=0, lt=MOST)]
Positive = Annotated[int, msgspec.Meta(ge=1, lt=MOST)]
Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]  # neither NaN nor infinite
Words = Annotated[str, msgspec.Meta(max_length=1 << 16)]
_PLACE = re.compile(r" - at `(?:key` in `)?\$?\.?(.*)`\Z")
_VIOLATIONS = (msgspec.ValidationError, RecursionError, OverflowError, UnicodeError)
_LONGEST = 60  # characters of a found value that a message shows
_KINDS: dict[type, str] = {str: "a longer text", list: "array", tuple: "array", dict: "object"}


def from_json(
    text: bytes | str,
    kind: type[T],
    source: object,
    error: type[ConvnetError] = DataError,
    *,
    within: str = "",
    advice: str = "",
) -> T:
    """Return the record that a JSON text contains.

    source: the file, and where in it if that is not clear, for the message.  within: the field
    that the text is the value of.  advice: how to repair the file, at the end of the message.
    Raises `error`.
    """
    value = objects_of(text, source, error, within=within, advice=advice)
    return from_objects(value, kind, source, error, within=within, advice=advice)


def objects_of(
    text: bytes | str,
    source: object,
    error: type[ConvnetError] = DataError,
    *,
    within: str = "",
    advice: str = "",
) -> Any:
    """Return the plain objects that a JSON text contains.  Arguments as for `from_json`."""
    try:
        text = text.decode() if isinstance(text, bytes) else text  # json lets half pairs pass
        value = json.loads(text)
        if "\\ud" in text or "\\uD" in text:  # half a surrogate pair could not be written
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as problem:
        where = f"line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else "it"
        found = f"{within or where} is not valid JSON"
        raise error(damage(source, found, advice)) from None


def from_objects(
    value: Any,
    kind: type[T],
    source: object,
    error: type[ConvnetError] = DataError,
    *,
    within: str = "",
    advice: str = "",
) -> T:
    """Return the record that plain objects (dicts, lists, numbers, strings) make up.

    Sequences may be lists or tuples, and integers are accepted where floats are declared; nothing
    else is converted.  Further arguments as for `from_json`.  Raises `error`.
    """
    try:
        return msgspec.convert(value, kind)
    except _VIOLATIONS as problem:
        raise error(damage(source, _described(value, within, str(problem)), advice)) from None


def violation(value: Any, kind: Any, within: str = "") -> str:
    """Return "field: expected ..., found ..." if plain objects are no record of a kind, else ""."""
    try:
        msgspec.convert(value, kind)
    except _VIOLATIONS as problem:
        return _described(value, within, str(problem))
    return ""


def damage(source: object, found: str, advice: str = "") -> str:
    """Return the message about a damaged file: what was found and expected, and the repair."""
    return f"{harmless(str(source))}: is damaged: {found}{'; ' if advice else ''}{advice}"


def _described(value: Any, within: str, problem: str) -> str:
    """Return "field: expected ..., found ..." for a message of msgspec."""
    match = _PLACE.search(problem)
    place = match[1] if match else ""
    text = problem[: match.start()] if match else problem
    text = text.replace("`", "").replace("Object missing required field ", "there is no field ")
    if text.startswith("Invalid enum value "):
        text = f"expected another {'key' if '`key`' in problem else 'value'}, got str"
    expected, _, found = text.partition(", got ")
    shown = f", found {_found(value, place, found)}" if found or "xpected" in expected else ""
    joint = "." if within and place and place[0] != "[" else ""
    field = f"{within}{joint}{place}"
    return harmless(f"{field}{': ' if field else ''}{_lower(expected)}") + shown


def _found(value: Any, place: str, kind: str) -> str:
    """The offending value if it can be shown shortly, else its type."""
    for step in re.findall(r"\.\.\.|[^.\[\]]+", place):
        try:
            if step == "..." and len(value) == 1:
                (step,) = value
            value = value[int(step) if isinstance(value, list | tuple) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return kind or "something else"
    if isinstance(value, int) and abs(value) >= 1 << 128:
        return "a longer number"
    if isinstance(value, str | int | float) or value is None:
        text = json.dumps(value) if not isinstance(value, float) else repr(value)
        if len(text) <= _LONGEST:
            return harmless(text)
    return kind or _KINDS.get(type(value), "something else")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
