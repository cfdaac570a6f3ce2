"""Mutators of pickles: of the objects in them, and of their opcodes."""

import pickle
import pickletools
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.bytes_of import NUMBERS, damage
from tests.fuzz.objects import changed
from tests.support.python2_pickle import python2_pickle

_LARGE = (0, 1, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
_NAMES = (
    *("os system", "numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"),
    *("numpy._core.multiarray scalar", "_codecs encode", "collections OrderedDict"),
    *("copyreg _reconstructor", "__builtin__ object", "builtins eval", "options Option", "a.b c.d"),
)


def change_pickle(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a pickle with other objects, or other opcodes, in it.

    Only a pickle that is not changed yet, one of `others`, is unpickled: others may run anything.
    """
    try:
        if rng.random() < 0.5 or data not in others:
            return change_opcodes(rng, data)
        value = pickle.loads(data, encoding="latin1")
        return dumped(rng, changed(rng, value, arrays=True))
    except Exception:  # whatever it is: damage it without understanding it
        return damage(rng, data, others)


def dumped(rng: Random, value: Any) -> bytes:
    """Return the object as Python 2 or 3 pickles it; raises if that version cannot."""
    protocol = rng.choice((0, 1, 2, 2, 3, 4, 5, 5))
    if protocol in (0, 2) and rng.random() < 0.5:
        return python2_pickle(value, protocol)
    return pickle.dumps(value, protocol)


def change_opcodes(rng: Random, data: bytes) -> bytes:
    """Return a pickle in which opcodes are removed, moved, repeated, inserted or changed."""
    codes = _opcodes(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(codes))
        match rng.randrange(6):
            case 0:
                codes.pop(at)
            case 1:
                codes.insert(at, rng.choice(codes))
            case 2:
                other = rng.randrange(len(codes))
                codes[at], codes[other] = codes[other], codes[at]
            case 3:
                codes[at] = _with_number(rng, codes[at])
            case 4:
                start = rng.randrange(len(codes))
                part = codes[start : start + rng.choice((2, 5, 20))]
                codes[at:at] = part * rng.choice((1, 1, 3, 100))
            case _:
                codes.insert(at, _new_opcode(rng))
        codes = codes or [b"N"]
    return b"".join(codes)


def _opcodes(data):
    places = [at for _, _, at in pickletools.genops(data)] + [len(data)]
    return [data[start:stop] for start, stop in zip(places, places[1:], strict=False)]


def _with_number(rng, code):
    """The opcode with another number: an integer, a length or a place in the memo."""
    if len(code) == 2:
        return code[:1] + bytes([rng.choice((0, 1, 127, 128, 255))])
    if len(code) >= 9 and code[:1] in b"\x8d\x8e\x95\x96":
        return (
            code[:1] + struct.pack("<Q", rng.choice((*_LARGE, 2**40, 2**63, 2**64 - 1))) + code[9:]
        )
    if len(code) >= 5 and code[:1] in b"JjrTBX\x8b":
        return code[:1] + struct.pack("<I", rng.choice(_LARGE)) + code[5:]
    if code[-1:] == b"\n":
        return code[:1] + b"%d\n" % rng.choice(NUMBERS)
    return code


def _new_opcode(rng):
    module, name = rng.choice(_NAMES).split()
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: bytes(
            [rng.choice(b"().0N12]}aebdlostuRQ\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94")]
        ),
        lambda: b"c%s\n%s\n" % (module.encode(), name.encode()),
        lambda: b"i%s\n%s\n" % (module.encode(), name.encode()),
        lambda: b"\x8c%c%s\x8c%c%s\x93" % (len(module), module.encode(), len(name), name.encode()),
        lambda: b"h%c" % rng.randrange(256),
        lambda: b"q%c" % rng.randrange(256),
        lambda: b"r" + struct.pack("<I", rng.choice(_LARGE)),
        lambda: b"L%dL\n" % rng.choice(NUMBERS),
        lambda: b"I%d\n" % rng.choice(NUMBERS),
        lambda: b"F%s\n" % rng.choice((b"nan", b"1e999", b"0x1p3", b"1_0", b"")),
        lambda: b"S'%s'\n" % rng.choice((b"\\x4", b"\\N{a}", b"\\777", b"\\", b"\\u1", b"a\\\na")),
        lambda: b"V%s\n" % rng.choice((b"\\u12", b"\\ud800", b"\\U99999999", b"\xff")),
        lambda: b"X" + struct.pack("<I", 2) + b"\xff\xfe",
        lambda: b"\x8a\xff" + bytes(255),
        lambda: b"\x8b" + struct.pack("<i", rng.choice((-1, 2, 2**31 - 1))) + b"\xff\xff",
        lambda: b"G" + struct.pack(">d", rng.choice((np.nan, np.inf, 1e300))),
        lambda: rng.choice((b"\x97", b"\x98", b"P1\n", b"Q", b"\x82\x01", b"\x84" + bytes(4))),
        lambda: rng.choice((b"(", b"]", b"}", b")")) * rng.choice((1, 50, 5000)),
    )
    return rng.choice(makers)()
