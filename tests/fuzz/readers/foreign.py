"""Files of PyTorch, DeCAF, safetensors and npz with weights, and map files."""

import io
from pathlib import Path
from random import Random

import numpy as np
from safetensors.numpy import save

from convnet.foreign.array_files import read_npz, read_safetensors
from convnet.foreign.contents import ForeignFile, ForeignLayer
from convnet.foreign.decaf import read_decaf
from convnet.foreign.map_file import read_map
from convnet.foreign.taking import take
from convnet.foreign.targets import targets_of
from convnet.foreign.torch_file.read import read_torch
from tests.fuzz.archives import change_zip
from tests.fuzz.bytes_of import damage
from tests.fuzz.pickles import change_opcodes
from tests.fuzz.reader import Reader, Tree
from tests.support import decaf_files
from tests.support.torch_files import older, short, storage, tensor, zipped
from tests.support.training import make_graph

LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=6
[conv1]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
[fc2]
type=fc
inputs=conv1
outputs=5
initW=0.1
[cost]
type=cost.sum2
inputs=fc2
"""
RATES = "epsW=0.1\nepsB=0.1\nmomW=0\nmomB=0\nwc=0\n"
PARAMS = f"[conv1]\n{RATES}[fc2]\n{RATES}[cost]\ncoeff=1\n"
SHAPES = {"conv1.weight": (4, 3, 3, 3), "conv1.bias": (4,), "fc2.weight": (5, 64), "fc2.bias": (5,)}
_GRAPHS = []


def graph():
    if not _GRAPHS:
        _GRAPHS.append(make_graph(LAYERS, PARAMS, dims={0: 108}))
    return _GRAPHS[0]


def arrays():
    rng = np.random.default_rng(3)
    return {name: rng.random(shape).astype(np.float32) for name, shape in SHAPES.items()}


def used(file: ForeignFile) -> None:
    """Take what fits, as an import does, and look at all that is printed."""
    for layer in file.layers:
        if layer.weights.dtype != np.float32 or layer.weights.ndim not in (2, 4):
            raise AssertionError(f"{layer.name!a}: {layer.weights.dtype} {layer.weights.shape}")
    take(file, graph())


def torch_seeds() -> list[Tree]:
    """State dicts alone and in dictionaries, in both forms, some with views of a storage."""
    found = arrays()
    whole = np.concatenate([array.ravel() for array in found.values()])
    raw, at, separate, shared = {}, 0, b"", b""
    for number, (name, array) in enumerate(found.items()):
        strides = tuple(step // 4 for step in array.strides)
        raw[f"data/{number}"] = array.tobytes()
        own = storage(str(number), array.size)
        separate += short(name) + tensor(array.shape, strides, 0, own)
        shared += short(name) + tensor(array.shape, strides, at, storage("0", whole.size))
        at += array.size
    one = b"\x80\x02}(" + shared + b"u."
    nested = b"\x80\x04}(" + short("epoch") + b"K\x03" + short("state_dict") + b"}("
    nested += separate + b"uu."
    archives = [zipped(b"\x80\x04}(" + separate + b"u.", raw), zipped(nested, raw)]
    archives += [zipped(one, {"data/0": whole.tobytes(), "byteorder": b"little"})]
    return [{"net.pth": data} for data in (*archives, older(one, values=whole))]


def change_torch(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Change the pickle in a zip, its members, or the pickles of the older form."""
    if data[:2] == b"PK":
        return change_zip(rng, data, _change_member)
    return _change_member(rng, data, others)


def _change_member(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Change opcodes if it begins with a pickle; what follows the first one stays."""
    if data[:1] != b"\x80" or rng.random() < 0.2:
        return damage(rng, data, [])
    start = 0
    if rng.random() < 0.8:  # of the pickles of the older form, one of the later ones
        ends = [at + 1 for at in range(len(data) - 1) if data[at : at + 2] == b".\x80"]
        start = rng.choice([0, *ends[:3]])
    try:
        end = data.index(b".\x80", start) + 1
    except ValueError:
        end = data.rindex(b".") + 1
    try:
        return data[:start] + change_opcodes(rng, data[start:end]) + data[end:]
    except Exception:
        return damage(rng, data, [])


def read_torch_file(folder: Path) -> None:
    used(read_torch(folder / "net.pth"))


def decaf_seeds() -> list[Tree]:
    found = arrays()
    conv, conv_biases, full, biases = found.values()
    layers = {
        "conv1": decaf_files.convolution("conv1", conv, conv_biases),
        "fc2": decaf_files.full("fc2", full, biases),
        "two": decaf_files.grouped("two", conv, conv_biases, 2),
    }
    listed = [("conv1", "conv", conv, conv_biases, 1), ("fc2", "fc", full, biases, 1)]
    trees = [{"net": decaf_files.net(layers, protocol)} for protocol in (0, 2)]
    return trees + [{"net": decaf_files.listed(listed, protocol)} for protocol in (0, 2)]


def change_decaf(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    return change_opcodes(rng, data) if rng.random() < 0.7 else damage(rng, data, others)


def read_decaf_file(folder: Path) -> None:
    used(read_decaf(folder / "net"))


def array_seeds() -> list[Tree]:
    found, metadata = arrays(), {"convnet": "1", "note": "x"}
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, **found, metadata=np.array('{"a": "b"}'))
    np.savez_compressed(packed, **found, n=np.arange(3))
    halves = {name: array.astype(np.float16) for name, array in found.items()}
    return [{"net.npz": plain.getvalue()}, {"net.npz": packed.getvalue()},
            {"net.safetensors": save(found, metadata)},
            {"net.safetensors": save(halves)}]  # fmt: skip


def read_arrays(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        used(read_npz(path) if path.suffix == ".npz" else read_safetensors(path))


def map_seeds() -> list[Tree]:
    return [{"layers.map": b"# x\na conv1\nb fc2 # y\n"}, {"layers.map": b"a conv1+fc2\r\nb -\n"}]


def read_map_file(folder: Path) -> None:
    layers = tuple(ForeignLayer(name, np.ones((1, 1), np.float32)) for name in "ab")
    read_map(folder / "layers.map", ForeignFile("x", "x", layers), targets_of(graph()))


READERS = (
    Reader("torch", torch_seeds, read_torch_file, {"*": change_torch}, share=1.5),
    Reader("decaf", decaf_seeds, read_decaf_file, {"*": change_decaf}),
    Reader("weights", array_seeds, read_arrays, {"*.npz": lambda *a: change_zip(*a[:2], damage)}),
    Reader("map", map_seeds, read_map_file, share=0.3),
)
