"""Mutators of ONNX files: of the fields of their messages, at any depth."""

from random import Random

import onnx
from google.protobuf.message import Message

from tests.fuzz.bytes_of import CHARACTERS, NUMBERS, WORDS, damage
from tests.fuzz.objects import change_json

_MOST = 3000  # fields that one of is chosen


def change_onnx(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a model with one to four of its fields changed."""
    model = onnx.ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        fields = _fields(model)
        if fields:
            _change(rng, *rng.choice(fields))
    return model.SerializeToString()


def _fields(message) -> list[tuple]:
    """(message, field) of all fields that are set, in a message and those below it."""
    found, waiting = [], [message]
    while waiting and len(found) < _MOST:
        here = waiting.pop()
        for field, value in here.ListFields():
            found.append((here, field))
            items = value if field.is_repeated else [value]
            waiting += [each for each in items[:50] if isinstance(each, Message)]
    return found


def _change(rng, message, field):
    if not field.is_repeated:
        if field.message_type or rng.random() < 0.1:
            message.ClearField(field.name)
        else:
            _set(message, field, _other(rng, getattr(message, field.name)))
        return
    values = getattr(message, field.name)
    at = rng.randrange(len(values))
    match rng.randrange(4):
        case 0:
            del values[at]
        case 1 if field.message_type:
            values.add().CopyFrom(values[at])
        case 1:
            values.append(values[at])
        case 2 if field.message_type and len(values) > 1:
            other = rng.randrange(len(values))
            kept = type(values[at])()
            kept.CopyFrom(values[at])
            values[at].CopyFrom(values[other])
            values[other].CopyFrom(kept)
        case _ if not field.message_type:
            _set_item(values, at, _other(rng, values[at]))


def _other(rng, value):
    """Another value of the same type."""
    if isinstance(value, bytes):
        return rng.choice((value[:-1], value[: len(value) // 2], value * 2, b"", damage(rng, value,
            [])))  # fmt: skip
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            return change_json(rng, value.encode(), []).decode("utf-8", "ignore")
        half = len(value) // 2
        mixed = value[:half] + rng.choice(CHARACTERS) + value[half:]
        return rng.choice((mixed, mixed, "", value + "x", rng.choice(WORDS)))
    if isinstance(value, float):
        return rng.choice((0.0, -value, 1e30, float("nan"), float("inf")))
    return rng.choice((value + 1, -value, rng.randrange(20), rng.choice(NUMBERS)))


def _set(message, field, value):
    try:
        setattr(message, field.name, value)
    except (ValueError, TypeError, UnicodeError):  # beyond the range of the field
        message.ClearField(field.name)


def _set_item(values, at, value):
    try:
        values[at] = value
    except (ValueError, TypeError, UnicodeError):
        del values[at]
