"""Mutators of plain objects (what JSON and pickles contain), and of JSON texts."""

import copy
import json
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.bytes_of import CHARACTERS, NUMBERS, WORDS, damage

DEEP = 3000


def changed(rng: Random, value: Any, arrays: bool = False) -> Any:
    """Return a copy of an object in which one to three parts are replaced, removed or added.

    arrays: also put in what only pickles can contain.
    """
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        value = _change(rng, value, arrays)
    return value


def _change(rng, value, arrays):
    holders = [(None, None, value)]
    holders += _places(value, limit=2000)
    holder, key, found = rng.choice(holders)
    kind = rng.randrange(8)
    if holder is not None and kind == 0 and isinstance(holder, dict):
        del holder[key]
        return value
    if holder is not None and kind == 0 and isinstance(holder, list):
        holder.insert(key, found) if rng.random() < 0.5 else holder.pop(key)
        return value
    if kind == 1 and isinstance(found, dict):
        found[odd_key(rng)] = odd(rng, arrays)
        return value
    if kind == 2:
        new = rng.choice(holders)[2]  # a part from elsewhere; may contain itself
        new = new if arrays else copy.deepcopy(new)
    elif kind == 3 and type(found) in (int, float):
        new = rng.choice((-found, found + 1, found * 2, float(found), str(found), [found]))
    elif kind == 4 and isinstance(found, np.ndarray):
        new = odd_array(rng, found)
    elif kind == 4 and isinstance(found, str):
        new = found[: len(found) // 2] + rng.choice(CHARACTERS) + found[len(found) // 2 :]
    elif kind == 5:
        new = rng.choice(([found], {"0": found}, (found,), [found] * 3, []))
    else:
        new = odd(rng, arrays)
    if holder is None:
        return new if rng.random() < 0.1 else value
    if isinstance(holder, dict | list):
        holder[key] = new
    return value


def _places(value, limit):
    """(holder, key, part) of every part of an object that can be replaced."""
    found, waiting, seen = [], [value], set()
    while waiting and len(found) < limit:
        holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if isinstance(holder, dict):
            items = list(holder.items())
        elif isinstance(holder, list | tuple):
            items = list(enumerate(holder))[:50]
        else:
            continue
        for key, part in items:
            if not isinstance(holder, tuple):
                found.append((holder, key, part))
            waiting.append(part)
    return found


def odd(rng: Random, arrays: bool = False) -> Any:
    """Return a value that few readers expect."""
    match rng.randrange(13 if arrays else 9):
        case 0:
            return rng.choice((None, True, False))
        case 1 | 2:
            return rng.choice(NUMBERS)
        case 3:
            return rng.choice((0.5, -0.5, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324))
        case 4:
            return rng.choice(("", "x" * 5000, *WORDS, *CHARACTERS))
        case 5:
            return rng.choice(([], {}, [[]], {"": {}}, [None], [0, 1], {"0": 0}))
        case 6:
            return list(range(rng.choice((1, 3, 10, 1000))))
        case 7:
            return deep(rng.choice((10, 200, DEEP)), rng.choice(("list", "dict")))
        case 8:
            return rng.choice(("logprob", "data", "train", "1-5", "5-1", "convnet", "a/b", "../x"))
        case 9:
            return rng.choice(
                (b"", b"\xff\xfe", b"x" * 300, (), (1, 2), ((),), 1j, {1}, frozenset())
            )
        case 10:
            shared: Any = []
            for _ in range(rng.choice((3, 40))):
                shared = [shared, shared]
            return shared
        case 11:
            loop: list[Any] = [1]
            loop.append(loop)
            return loop
        case _:
            return odd_array(rng, np.arange(12, dtype=np.float32).reshape(3, 4))


def odd_key(rng: Random) -> Any:
    return rng.choice(("", "tree", "0", "-1", "10" * 50, "\x1b[1m", "data", "type", "weights", "é"))


def odd_array(rng: Random, array: np.ndarray) -> Any:
    """Return an array of another type, shape or content, or something that resembles one."""
    flat = array.ravel()
    with np.errstate(all="ignore"):
        match rng.randrange(10):
            case 0:
                kind = rng.choice(
                    ("u1", "i1", "i8", "f2", "f4", "f8", ">f4", ">i4", "c8", "?", "U3")
                )
                return array.astype(kind) if array.dtype.kind in "fiub" else array
            case 1:
                return array.reshape(-1)
            case 2:
                return array[:0]
            case 3:
                return np.asfortranarray(array.T)
            case 4:
                return flat[:1].reshape(())
            case 5:
                return flat[0] if flat.size else None  # a NumPy scalar
            case 6:
                return np.resize(array, [rng.randrange(5) for _ in range(rng.randrange(4))])
            case 7:
                return array.tolist()
            case 8 if array.dtype.kind == "f" and array.size:
                new = array.copy()
                new.flat[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -np.inf, 1e30))
                return new
            case 8 if array.dtype.kind in "iu" and array.size:
                new = array.copy()
                new.flat[rng.randrange(array.size)] = np.iinfo(array.dtype).max
                return new
            case _:
                return np.array(rng.choice(([1, None], ["a", b"b"], [{}], 5)), dtype=object)


def deep(depth: int, kind: str) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


def change_json(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a JSON text with other values in it, or with a broken form."""
    try:
        value = json.loads(data)
    except ValueError:
        return damage(rng, data, others)
    return to_json(rng, changed(rng, value))


def to_json(rng: Random, value: Any) -> bytes:
    """Return the JSON text of an object, written in one of several ways."""
    try:
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1)))
    except (ValueError, RecursionError, TypeError):
        text = "[" * DEEP * 20 + rng.choice(("", "]" * DEEP * 20))
    if rng.random() < 0.05:
        text = text.replace("{", '{"format": 1, ', 1)  # a key twice
    return text.encode("utf-8", "surrogatepass")


def change_json_lines(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return lines of JSON with one of them changed, moved, cut or repeated."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        case 1:
            lines.insert(rng.randrange(len(lines)), lines[at])
        case 2:
            lines[at] = to_json(rng, odd(rng)).replace(b"\n", b" ")
        case _:
            lines[at] = change_json(rng, lines[at], others).replace(b"\n", b" ")
    return b"\n".join(lines)
