"""Rows of integer instructions, computed with Python's integers."""

import operator

from tests.emulator.support.rows import Row, rows, width, wrapped

ALL = "{u16,s16,u32,s32,u64,s64}"
SIMPLE = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
SIMPLE |= {"and": operator.and_, "or": operator.or_, "xor": operator.xor}


@rows(f"{{add,sub,mul.lo}}.{ALL}", "{and,or,xor}.{pred,b16,b32,b64}")
def _(parts):
    function, kind = SIMPLE[parts[0]], parts[-1]
    return Row(
        (kind, kind),
        (kind,),
        lambda a, b: wrapped(function(int(a), int(b)), kind),
        immediate=kind != "pred",
    )


@rows("not.{pred,b16,b32,b64}")
def _(parts):
    kind = parts[-1]
    return Row((kind,), (kind,), lambda a: wrapped(~int(a), kind), immediate=kind != "pred")


@rows("mul.wide.{u16,s16,u32,s32}")
def _(parts):
    kind = parts[-1]
    return Row((kind, kind), (f"{kind[0]}{2 * width(kind)}",), lambda a, b: a * b)


@rows("mad.wide.{u16,s16,u32,s32}")
def _(parts):
    kind, wide = parts[-1], f"{parts[-1][0]}{2 * width(parts[-1])}"
    return Row((kind, kind, wide), (wide,), lambda a, b, c: wrapped(a * b + c, wide))


@rows(f"mad.{{lo,hi}}.{ALL}")
def _(parts):
    kind, shift = parts[-1], width(parts[-1]) if parts[1] == "hi" else 0
    return Row((kind,) * 3, (kind,), lambda a, b, c: wrapped((a * b >> shift) + c, kind))


@rows(f"mul.hi.{ALL}")
def _(parts):
    kind = parts[-1]
    return Row((kind,) * 2, (kind,), lambda a, b: wrapped(a * b >> width(kind), kind))


def divided(a: int, b: int) -> int:
    """Return a / b towards zero; by zero all bits are set, which PTX leaves open."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else -1


@rows(f"{{div,rem}}.{ALL}")
def _(parts):
    kind, rest = parts[-1], parts[0] == "rem"

    def expected(a, b):
        quotient = divided(a, b)
        return wrapped(a - quotient * b if rest else quotient, kind)

    return Row((kind, kind), (kind,), expected)


@rows("{abs,neg}.{s16,s32,s64}")
def _(parts):
    function, kind = {"abs": abs, "neg": operator.neg}[parts[0]], parts[-1]
    return Row((kind,), (kind,), lambda a: wrapped(function(a), kind))


@rows(f"{{min,max}}.{ALL}")
def _(parts):
    return Row((parts[-1],) * 2, (parts[-1],), {"min": min, "max": max}[parts[0]])


@rows("shl.{b16,b32,b64}", "shr.{b16,b32,b64,u16,u32,u64,s16,s32,s64}")
def _(parts):
    kind = parts[-1]

    def expected(a, count):
        count = min(count, 64)
        return wrapped(a << count if parts[0] == "shl" else a >> count, kind)

    return Row((kind, "u32"), (kind,), expected)


@rows("shf.{l,r}.{wrap,clamp}.b32")
def _(parts):
    def expected(low, high, count):
        count = count % 32 if parts[2] == "wrap" else min(count, 32)
        both = high << 32 | low
        return wrapped(both << count >> 32 if parts[1] == "l" else both >> count, "u32")

    return Row(("u32",) * 3, ("u32",), expected)


@rows("{clz,popc}.{b32,b64}")
def _(parts):
    kind = parts[-1]
    if parts[0] == "clz":
        return Row((kind,), ("u32",), lambda a: width(kind) - a.bit_length())
    return Row((kind,), ("u32",), int.bit_count)


@rows("brev.{b32,b64}")
def _(parts):
    bits = width(parts[-1])
    return Row((parts[-1],), (parts[-1],), lambda a: int(f"{a:0{bits}b}"[::-1], 2))


@rows("bfe.{u32,s32,u64,s64}")
def _(parts):
    kind, highest = parts[-1], width(parts[-1]) - 1

    def expected(a, start, length):  # bit by bit, as the manual's pseudo-code
        start, length = start & 255, length & 255
        sign = 0
        if kind[0] == "s" and length:
            sign = a >> min(start + length - 1, highest) & 1
        bits = (
            a >> start + i & 1 if i < length and start + i <= highest else sign
            for i in range(highest + 1)
        )
        return wrapped(sum(bit << i for i, bit in enumerate(bits)), kind)

    return Row((kind, "u32", "u32"), (kind,), expected)


@rows("bfi.{b32,b64}")
def _(parts):
    kind, highest = parts[-1], width(parts[-1]) - 1

    def expected(a, b, start, length):
        start, length = start & 255, length & 255
        for i in range(min(length, max(highest + 1 - start, 0))):
            b = b & ~(1 << start + i) | (a >> i & 1) << start + i
        return b

    return Row((kind, kind, "u32", "u32"), (kind,), expected)


@rows("prmt.b32")
def _(parts):
    def expected(a, b, selection):
        pool, found = (b << 32 | a).to_bytes(8, "little"), []
        for i in range(4):
            selector = selection >> 4 * i & 15
            byte = pool[selector & 7]
            found.append((255 if byte & 128 else 0) if selector & 8 else byte)
        return int.from_bytes(bytes(found), "little")

    return Row(("b32",) * 3, ("b32",), expected)


@rows("lop3.b32")
def _(parts):
    table = 0xD6

    def expected(a, b, c):
        picks = ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1) for i in range(32))
        return sum((table >> pick & 1) << i for i, pick in enumerate(picks))

    return Row(("b32",) * 3, ("b32",), expected, f"{{d}}, {{0}}, {{1}}, {{2}}, {table}")
