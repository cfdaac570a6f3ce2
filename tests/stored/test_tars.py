"""Tars of any bytes: their members are listed, or one error names the place."""

import io
import os
import random
import tarfile
from time import perf_counter

import pytest

from convnet.stored import tars
from convnet.stored.archives import Damaged


def tar_of(names, form=tarfile.GNU_FORMAT, **options) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form, **options) as tar:
        for name in names:
            header = tarfile.TarInfo(name)
            header.size = 700
            tar.addfile(header, io.BytesIO(bytes(700)))
    return made.getvalue()


def listed(data: bytes) -> list[str]:
    def read_at(count, offset):
        return data[offset : offset + count]

    return [member.name for member in tars.members(read_at, len(data))]


def header(name="a", kind=tarfile.REGTYPE, size=0) -> bytearray:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


def sealed(block: bytearray) -> bytes:
    """The header with a right checksum."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def negative(block: bytearray, size: int) -> bytes:
    block[124:136] = (size % (1 << 96)).to_bytes(12, "big")
    return sealed(block)


def pax(text: bytes, kind=tarfile.XHDTYPE) -> bytes:
    return sealed(header("pax", kind, len(text))) + text + bytes(-len(text) % 512)


def record(key: str, value: str) -> bytes:
    size = len(key) + len(value) + 3
    while len(f"{size} {key}={value}\n") != size:
        size += 1
    return f"{size} {key}={value}\n".encode()


LINK = sealed(header("x" * 20, tarfile.GNUTYPE_LONGNAME, 512)) + b"n" * 512
DAMAGED = {
    "a chain of long names": LINK * 3000 + tar_of(["a"]),
    "a negative size that leads back": tar_of(["a"])[:1536] + negative(header("b"), -1024),
    "a size before the start": negative(header("b"), -(1 << 40)),
    "a negative size of a long name": negative(header("b", tarfile.GNUTYPE_LONGNAME), -512),
    "a member beyond the end": sealed(header("b", size=1 << 33)),
    "a sparse map that is not numbers": pax(record("GNU.sparse.map", "0,x") +
                                            record("GNU.sparse.size", "9")) + tar_of(["a"]),
    "a sparse size that is no number": pax(record("GNU.sparse.size", "x")) + tar_of(["a"]),
    "sparse 1.0 without its map": pax(record("GNU.sparse.major", "1") +
                                      record("GNU.sparse.minor", "0")) + tar_of(["a"]),
    "an old sparse map that never ends": sealed(header("s", tarfile.GNUTYPE_SPARSE)[:482]
                                                + b"\1" + bytes(29)),
    "a pax header of a length of 0": pax(b"0 a=b\n") + tar_of(["a"]),
    "many global records": pax(b"".join(record(f"k{i}", "v") for i in range(900)),
                               tarfile.XGLTYPE) + tar_of(["a"]),
    "a damaged header in the middle": tar_of(["a"])[:1536] + os.urandom(512) + bytes(1024),
    "a header that is cut off": tar_of(["a"])[:1536] + tar_of(["b"])[:200],
}  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_tars_are_refused_with_the_place(data):
    start = perf_counter()
    with pytest.raises(Damaged, match=r"\(byte [\d,]+, (in the first header|after a)\)"):
        listed(data)
    assert perf_counter() - start < 5


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_whole_tars_are_listed(form):
    long = "d" * 90 + "/" + "f" * 90
    names = ["a", "b/c", long]
    assert listed(tar_of(names, form)) == names
    without_end = tar_of(["a"], form)[:1536]
    assert listed(without_end) == ["a"]


def test_a_tar_with_a_few_global_records_is_listed():
    assert listed(tar_of(["a"], tarfile.PAX_FORMAT, pax_headers={"comment": "made"})) == ["a"]


def test_changed_bytes_never_raise_anything_else():
    chosen = random.Random(5)
    seeds = [
        tar_of(["a", "b" * 150, "c/d"], form) for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    ]
    seeds += [data for data in DAMAGED.values() if len(data) < 1 << 16]
    for _ in range(3000):
        data = bytearray(chosen.choice(seeds))
        for _ in range(chosen.randint(1, 6)):
            data[chosen.randrange(len(data))] = chosen.choice(b"\0\x800179xLg=,S")
        if chosen.random() < 0.5:  # else the checksum refuses nearly all
            at = chosen.randrange(0, len(data) - 511, 512)
            data[at : at + 512] = sealed(data[at : at + 512])
        try:
            listed(bytes(data))
        except Damaged:
            pass
