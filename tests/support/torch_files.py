"""PyTorch files written byte by byte, so that any part of them can be wrong."""

import io
import struct
import zipfile

import numpy as np

from convnet.foreign.torch_file import MAGIC

V2 = "torch._utils _rebuild_tensor_v2"


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def name(text: str) -> bytes:
    return b"".join(short(part) for part in text.split()) + b"\x93"


def number(value: int) -> bytes:
    digits = value.to_bytes(12, "little", signed=True)
    return b"\x8a" + bytes([len(digits)]) + digits


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key="0", size=6, kind="torch FloatStorage", more=b"") -> bytes:
    return (
        b"("
        + short("storage")
        + name(kind)
        + short(key)
        + short("cpu")
        + number(size)
        + more
        + b"tQ"
    )


def tensor(shape=(2, 3), strides=(3, 1), offset=0, source=None) -> bytes:
    return (
        name(V2) + b"(" + (storage() if source is None else source) + number(offset)
        + numbers(*shape) + numbers(*strides) + b"\x89" + name("collections OrderedDict") + b")RtR"
    )  # fmt: skip


def state(*items: bytes) -> bytes:
    """A pickle of {"a.weight": the first, "b.weight": ...}."""
    pairs = (short(f"{chr(97 + i)}.weight") + item for i, item in enumerate(items))
    return b"\x80\x04}(" + b"".join(pairs) + b"u."


def zipped(pickled: bytes, files=None, method=zipfile.ZIP_STORED) -> bytes:
    found = {"data/0": np.arange(6, dtype="<f4").tobytes()} if files is None else files
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for each, contents in {"data.pkl": pickled, **found}.items():
            archive.writestr(f"net/{each}", contents)
    return file.getvalue()


def older(pickled: bytes, info=None, keys=b"](\x8c\x010e", values=6, count=None) -> bytes:
    """A file of the older form.  values: of the storage, or how many; count: what it claims."""
    info = b"}\x8c\x0dlittle_endian\x88s" if info is None else info
    values = values if isinstance(values, np.ndarray) else np.arange(values, dtype="<f4")
    raw = struct.pack("<q", values.size if count is None else count) + values.tobytes()
    start = MAGIC + b"\x80\x02M\xe9\x03.\x80\x04" + info + b"."
    return start + pickled + b"\x80\x04" + keys + b"." + raw
