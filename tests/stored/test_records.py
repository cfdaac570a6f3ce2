"""Records are checked against their declaration; a violation names file, field, found, expected."""

from typing import Annotated

import msgspec
import pytest

from convnet.errors import CheckpointError, DataError
from convnet.stored.records import from_json, from_objects


class Part(msgspec.Struct):
    size: Annotated[int, msgspec.Meta(ge=0, lt=10)]
    name: Annotated[str, msgspec.Meta(max_length=8)] = ""


class Whole(msgspec.Struct):
    parts: list[Part]
    scale: float = 1.0


def test_records_are_made_of_json_and_of_objects():
    whole = from_json('{"parts": [{"size": 3, "more": 1}], "scale": 2}', Whole, "x.json")
    assert whole == Whole([Part(3)], 2.0)
    assert from_objects({"parts": ({"size": 3},)}, Whole, "x") == Whole([Part(3)])


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "x.json: is damaged: line 1 is not valid JSON"),
        ("[" * 100_000, "x.json: is damaged: it is not valid JSON"),
        ("[]", "x.json: is damaged: expected object, found array"),
        ("{}", "x.json: is damaged: there is no field parts"),
        ('{"parts": [{"size": -1}]}', "parts[0].size: expected int >= 0, found -1"),
        ('{"parts": [{"size": "a"}]}', 'parts[0].size: expected int, found "a"'),
        ('{"parts": [{"size": 1e400}]}', "parts[0].size: expected int, found inf"),
        ('{"parts": [{"size": true}]}', "parts[0].size: expected int, found true"),
        ('{"parts": [{"size": 1, "name": "123456789"}]}', "str of length <= 8"),
    ],
)
def test_violations_name_the_field(text, message):
    with pytest.raises(DataError) as caught:
        from_json(text, Whole, "x.json")
    assert message in str(caught.value)


def test_control_characters_are_escaped_and_the_error_is_of_the_readers_kind():
    with pytest.raises(CheckpointError) as caught:
        from_json('{"parts": "\\u001b[2J"}', Whole, "x\x1b.json", CheckpointError)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("text", [r'["\ud800"]', rb'["\uDFFF x"]', b'["\xed\xa0\x80"]'])
def test_half_a_surrogate_pair_is_damage(text):
    """It is in no text that can be printed or written."""
    with pytest.raises(DataError, match="x.json: is damaged: it is not valid JSON"):
        from_json(text, list[str], "x.json")
    assert from_json(r'["\ud83d\ude00"]', list[str], "x") == ["\U0001f600"]
