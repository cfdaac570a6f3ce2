"""Caffe's networks and mean images."""

from pathlib import Path
from random import Random

import numpy as np

from convnet.foreign.caffe import read_caffemodel, read_mean
from tests.fuzz.bytes_of import NUMBERS, damage
from tests.fuzz.reader import Reader, Tree
from tests.support.caffe_bytes import (
    blob,
    convolution_of,
    float32,
    layer,
    message,
    net,
    number,
    varint,
)

_FIELDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 18, 36, 50, 100, 106, 117, 1000)


def network_seeds() -> list[Tree]:
    found = []
    forms = (("shape", "packed"), ("old", "unpacked"), ("dims", "split"), ("old", "double"))
    for generation in (1, 2):
        for form, values in forms:
            convolution = [blob(np.ones((4, 3, 2, 2)), form, values), blob(np.ones(4), form)]
            full = [blob(np.ones((3, 5)), form, values), blob(np.ones(3), form)]
            means = float32(5, 104) + float32(5, 117) + float32(5, 123)
            contents = net(
                layer("data", "ReLU", generation=generation, transform=number(3, 224) + means),
                layer("conv1", "Convolution", convolution, generation=generation,
                      convolution=convolution_of(4, 1)),
                layer("up", "Deconvolution", convolution[:1], generation=generation),
                layer("fc2", "InnerProduct", full, generation=generation, full=number(1, 3)),
            )  # fmt: skip
            found.append({"net.caffemodel": contents})
    return found


def mean_seeds() -> list[Tree]:
    mean = np.arange(48.0).reshape(3, 4, 4)
    return [
        {"mean.binaryproto": blob(mean, form, values)}
        for form in ("old", "shape")
        for values in ("packed", "unpacked", "double")
    ]


def change(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Change fields at any depth, with lengths that fit; or bytes, whatever they are."""
    return damage(rng, data, others) if rng.random() < 0.25 else _changed(rng, data, 0)


def _changed(rng: Random, data: bytes, depth: int) -> bytes:
    fields = _fields(data)
    if not fields:
        return damage(rng, data, []) if rng.random() < 0.5 else rng.randbytes(rng.randrange(9))
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(fields))
        key, kind, contents = fields[at]
        match rng.randrange(9):
            case 0:
                fields.pop(at)
            case 1:
                fields[at:at] = [fields[at]] * rng.choice((1, 2, 40))
            case 2:
                fields.insert(rng.randrange(len(fields) + 1), rng.choice(fields))
            case 3:
                fields[at] = (rng.choice(_FIELDS), kind, contents)
            case 4 if kind == 2:
                fields[at] = (key, kind, b"" if rng.random() < 0.3 else contents[:-1])
            case _ if kind == 2 and depth < 5:
                fields[at] = (key, kind, _changed(rng, contents, depth + 1))
            case _ if kind == 0:
                fields[at] = (key, kind, varint(rng.choice(NUMBERS)))
            case _:
                size = {1: 8, 5: 4}.get(kind, 3)
                fields[at] = (key, rng.choice((kind, 0, 1, 2, 3, 5)), rng.randbytes(size))
        if not fields:
            break
    return b"".join(map(_encoded, fields))


def _encoded(field) -> bytes:
    key, kind, contents = field
    return message(key, contents) if kind == 2 else varint(8 * key + kind) + contents


def _fields(data: bytes) -> list[tuple[int, int, bytes]]:
    """(number, kind, contents) of each field; [] if the bytes are no message."""
    found, at = [], 0
    try:
        while at < len(data):
            key, at = _number(data, at)
            kind, start = key & 7, at
            if kind == 2:
                size, start = _number(data, at)
                at = start + size
            elif kind == 0:
                _, at = _number(data, at)
            else:
                at += {1: 8, 5: 4}[kind]
            if at > len(data) or not key >> 3:
                return []
            found.append((key >> 3, kind, data[start:at]))
    except (IndexError, KeyError):
        return []
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def read_network(folder: Path) -> None:
    found = read_caffemodel(folder / "net.caffemodel")
    for each in found.layers:
        assert each.weights.ndim in (2, 4) and each.weights.dtype == np.float32
        assert each.biases is None or each.biases.shape == each.weights.shape[:1]


def read_mean_image(folder: Path) -> None:
    assert read_mean(folder / "mean.binaryproto").ndim == 3


READERS = (
    Reader("caffe", network_seeds, read_network, {"*": change}),
    Reader("caffe-mean", mean_seeds, read_mean_image, {"*": change}, share=0.3),
)
