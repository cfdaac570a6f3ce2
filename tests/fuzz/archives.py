"""Mutators of tars and zips: their headers are changed and stay consistent in the rest."""

import gzip
import io
import struct
import zipfile
import zlib
from random import Random

from tests.fuzz.bytes_of import CHARACTERS, damage

_BLOCK = 512
_FIELDS = {  # of a tar header: name -> (offset, bytes)
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "size": (124, 12), "mtime": (136, 12),
    "type": (156, 1), "linkname": (157, 100), "magic": (257, 8), "devmajor": (329, 8),
    "prefix": (345, 155), "sparse": (386, 96), "realsize": (483, 12),
}  # fmt: skip
_SIZES = (b"-1", b"0", b"7777777777", b"77777777777", b"99999999", b"\x80" + b"\xff" * 11, b"")
_SIZES += (b"\xff" * 12, b"\x80" + bytes(7) + b"\x7f\xff\xff\xff", b"000000001 1", b"1.5", b"\0")
_PAX = (
    b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.map=0,1,5", b"GNU.sparse.map=a",
    b"GNU.sparse.size=-1", b"GNU.sparse.realsize=99999999999", b"GNU.sparse.numblocks=x",
    b"size=-5", b"size=99999999999999999999", b"size=1e3", b"path=\xff\xfe", b"path=../../x.jpg",
    b"mtime=nan", b"mtime=x", b"uid=99999999999999999999999", b"hdrcharset=BINARY",
    b"linkpath=/", b"path=\x1b[31m.jpg", b"=", b"",
)  # fmt: skip


def change_tar(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a tar with changed, moved, repeated or new members; a gzipped one stays gzipped."""
    if data[:2] == b"\x1f\x8b":
        if rng.random() < 0.4:
            return damage(rng, data, others)
        inner = zlib.decompressobj(wbits=31).decompress(data)
        return gzip.compress(change_tar(rng, inner, []), 1, mtime=0)
    blocks = [bytearray(data[at : at + _BLOCK]) for at in range(0, len(data), _BLOCK)]
    headers = [n for n, block in enumerate(blocks) if block[257:262] == b"ustar"]
    for _ in range(rng.choice((1, 1, 2))):
        if not headers:
            return damage(rng, data, others)
        at = rng.choice(headers)
        match rng.randrange(7):
            case 0 | 1 | 2:
                _set_field(rng, blocks[at])
            case 3:
                blocks[at:at] = _extended(rng)
            case 4:
                blocks.pop(at)
            case 5:
                blocks[at:at] = [bytearray(block) for block in blocks[at : at + 2]] * rng.choice(
                    (1, 50)
                )
            case _:
                contents = rng.choice(headers)
                if contents + 1 < len(blocks):
                    inside = bytes(blocks[contents + 1])
                    blocks[contents + 1] = bytearray(
                        damage(rng, inside, [])[:_BLOCK].ljust(_BLOCK, b"\0")
                    )
        headers = [n for n, block in enumerate(blocks) if block[257:262] == b"ustar"]
    return b"".join(blocks)


def _set_field(rng, block):
    name = rng.choice(tuple(_FIELDS))
    offset, size = _FIELDS[name]
    if name == "type":
        value = bytes([rng.choice(b"0\x001234567LKxgSVDNX\xff")])
    elif name in ("size", "mode", "uid", "mtime", "devmajor", "realsize", "sparse"):
        value = rng.choice(_SIZES)
        value = value * 8 if name == "sparse" else value
    elif name == "magic":
        value = rng.choice((b"ustar  \0", b"ustar\x0000", b"ustax", b""))
    else:
        value = rng.choice(CHARACTERS).encode("utf-8", "surrogatepass") * rng.choice((1, 3, 60))
        value = rng.choice((value, value + b"/a.JPEG", b"/", b"a/../b.JPEG", b".JPEG", b""))
    block[offset : offset + size] = value[:size].ljust(size, b"\0")
    _sum_up(block)


def _sum_up(block):
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)


def _extended(rng):
    """The blocks of a long name, or of pax records, before a member."""
    kind = rng.choice(b"LKxxxgg")
    lines = [rng.choice(_PAX) for _ in range(rng.choice((1, 2, 4)))]
    if rng.random() < 0.8:
        contents = b"".join(_record(line) for line in lines)
    else:
        contents = rng.choice((b"99999999 a=b\n", b"-1 a=b\n", b"5 a=b", b"x", b"", b"0 \n"))
    if kind in b"LK":
        contents = rng.choice((b"n" * 600 + b"\0", b"\xff\xfe", b"", contents))
    header = bytearray(_BLOCK)
    header[:5], header[257:265] = b"ext.x", b"ustar\x0000"
    header[100:108], header[156] = b"0000644\0", kind
    header[124:136] = b"%011o\0" % rng.choice((len(contents), len(contents), 0, 1 << 19, 1 << 32))
    _sum_up(header)
    padded = contents + bytes(-len(contents) % _BLOCK)
    return [header] + [bytearray(padded[at : at + _BLOCK]) for at in range(0, len(padded), _BLOCK)]


def _record(line):
    size = len(line) + 3
    while len(b"%d " % size) + len(line) + 1 != size:
        size = len(b"%d " % size) + len(line) + 1
    return b"%d %s\n" % (size, line)


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, contents in files.items():
            info = zipfile.ZipInfo(name)  # of a fixed date
            info.compress_type = method
            archive.writestr(info, contents)
    return file.getvalue()


def change_zip(rng: Random, data: bytes, change) -> bytes:
    """Return a zip with changed members (change: a mutator of bytes) or changed headers."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return damage(rng, data, [])
    match rng.randrange(4):
        case 0 | 1:
            name = rng.choice(tuple(files))
            files[name] = change(rng, files[name], list(files.values()))
            methods = (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
                zipfile.ZIP_BZIP2,
                zipfile.ZIP_LZMA,
            )
            stored = data.find(b"PK\3\4") == 0 and data[8:10] == b"\0\0"
            return zip_of(
                files, methods[0] if stored and rng.random() < 0.8 else rng.choice(methods)
            )
        case 2:
            return _change_zip_field(rng, data)
        case _:
            return damage(rng, data, [])


def _change_zip_field(rng, data):
    """Overwrite a field of the central directory or of a member's header."""
    starts = [at for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6") for at in _all(data, mark)]
    if not starts:
        return data
    at = rng.choice(starts) + 4 + 2 * rng.randrange(20)
    form = rng.choice("HI")
    value = struct.pack(
        "<" + form, rng.choice((0, 1, 8, 9, 12, 14, 99, 0xFFFF, len(data) & 0xFFFF))
    )
    return data[:at] + value + data[at + len(value) :]


def _all(data, mark):
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)
