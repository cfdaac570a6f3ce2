"""PyTorch files that lie, ask for code, or claim more memory than they have."""

import io
import os
import pickle
import tracemalloc
import zipfile
from time import process_time

import numpy as np
import pytest
import torch

from convnet.errors import DataError
from convnet.foreign.torch_file.read import read_torch
from tests.support.torch_files import (
    V2,
    name,
    number,
    numbers,
    older,
    short,
    state,
    storage,
    tensor,
    zipped,
)


@pytest.fixture
def read(tmp_path):
    def read(data):
        (tmp_path / "x.pth").write_bytes(data)
        return read_torch(tmp_path / "x.pth")

    return read


def refused(read, data, match):
    with pytest.raises(DataError, match=match) as problem:
        read(data)
    assert str(problem.value).isprintable() and "x.pth" in str(problem.value)


def test_the_made_files_are_as_real_ones(read):
    for data in (zipped(state(tensor())), older(state(tensor()))):
        (layer,) = read(data).layers
        np.testing.assert_array_equal(layer.weights, np.arange(6).reshape(2, 3))
    view = b"(" + short("v") + number(2) + number(4) + b"t"
    part = tensor((2, 2), (2, 1), source=storage(more=view))
    np.testing.assert_array_equal(read(older(state(part))).layers[0].weights, [[2, 3], [4, 5]])


class Runs:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_executed(read, tmp_path, protocol):
    command = f"touch {tmp_path / 'ran'}"
    for data in (zipped(pickle.dumps({"a.weight": Runs(command)}, protocol)),
                 older(pickle.dumps(Runs(command), protocol))):  # fmt: skip
        refused(read, data, "needs '(posix|nt).system'|a value that is not a name")
    torch.save({"a.weight": torch.ones(2, 2), "x": Runs(command)}, tmp_path / "real.pth")
    with pytest.raises(DataError, match="posix.system"):
        read_torch(tmp_path / "real.pth")
    assert not (tmp_path / "ran").exists()


BAD_TENSORS = {
    "negative stride": tensor(strides=(-3, 1)),
    "negative offset": tensor(offset=-1),
    "negative size": tensor(shape=(-2, 3)),
    "beyond the end": tensor(offset=1),
    "large stride": tensor(strides=(4, 1)),
    "repeated values": tensor(shape=(2, 1 << 40), strides=(0, 0)),
    "enormous": tensor(shape=(1 << 60, 1 << 60), strides=(1, 1)),
    "above 64 bits": tensor(shape=(1 << 70, 1), strides=(1, 1)),
    "uneven": tensor(shape=(2, 3, 1)),
    "no storage": tensor(source=b"N"),
    "33 dimensions": tensor(shape=(1,) * 33, strides=(1,) * 33),
    "three arguments": name(V2) + b"(" + storage() + number(0) + numbers(2, 3) + b"tR",
    "a parameter of nothing": name("torch._utils _rebuild_parameter") + b"(NNNtR",
    "a size of nothing": name("torch Size") + b"(NtR",
}


@pytest.mark.parametrize("what", BAD_TENSORS)
def test_a_tensor_outside_its_storage_is_refused(read, what):
    for form in (zipped, older):
        refused(read, form(state(BAD_TENSORS[what])), "a tensor|a parameter|a torch.Size")


BAD_STORAGES = {
    "another type": storage(kind="torch ComplexFloatStorage"),
    "another module": storage(kind="os FloatStorage"),
    "no number": b"(" + short("storage") + b"tQ",
    "no tuple": number(3) + b"Q",
    "another kind of id": b"(" + short("module") + name("a b") + b"NNNtQ",
    "negative": storage(size=-1),
    "a view too long": storage(more=b"(" + short("v") + number(2) + number(5) + b"t"),
    "a view of no form": storage(more=number(1)),
    "no name": storage(key=""),
    "by a line": b"P1\n",
}


@pytest.mark.parametrize("what", BAD_STORAGES)
def test_a_storage_of_another_form_is_refused(read, what):
    data = state(tensor(source=BAD_STORAGES[what]))
    refused(read, zipped(data), "a storage (of the|without)|outside the file|a whole module|a view")


@pytest.mark.parametrize("key", ["1", "../data.pkl", "/etc/passwd", "0/..", "\x1b[2J", "x" * 200])
def test_a_storage_that_the_file_does_not_have(read, key):
    refused(read, zipped(state(tensor(source=storage(key)))), "without a member 'data/")
    refused(read, older(state(tensor(source=storage(key)))), "none of its tensors has")


def test_a_storage_that_claims_more_than_the_file_has(read):
    for size in (7, 1 << 40, (1 << 62) - 1):
        big = tensor((1, size), (size, 1), source=storage(size=size))
        tracemalloc.start()
        refused(read, zipped(state(big)), "of which the file has 24|stand for")
        refused(read, older(state(big)), "of which the file has 24|stand for")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        tracemalloc.stop()


def test_bytes_behind_the_values_of_a_storage_are_passed_over(read):
    files = {"data/0": np.arange(6, dtype="<f4").tobytes() + b"x"}
    (layer,) = read(zipped(state(tensor()), files)).layers
    np.testing.assert_array_equal(layer.weights, np.arange(6).reshape(2, 3))


def test_many_tensors_of_one_storage_take_no_more_memory_than_a_few(read):
    values = 1 << 16
    files = {"data/0": bytes(4 * values)}
    one = tensor((1, values), (values, 1), source=storage(size=values))
    pairs = b"".join(short(f"{i}.weight") + one for i in range(200))
    refused(read, zipped(b"\x80\x04}(" + pairs + b"u.", files), "stand for")


def test_a_packed_archive_is_refused(read):
    files = {"data/0": bytes(64 << 20)}
    big = tensor((1, 1 << 24), (1, 1), source=storage(size=1 << 24))
    tracemalloc.start()
    refused(read, zipped(state(big), files, zipfile.ZIP_DEFLATED), "is compressed")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_an_archive_without_one_pickle_is_refused(read):
    for names in ((), ("a/data.pkl", "b/data.pkl")):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x", b"")
            for each in names:
                archive.writestr(each, state(tensor()))
        refused(read, file.getvalue(), f"{len(names)} members data.pkl")


def test_big_endian_files_are_refused(read):
    files = {"byteorder": b"big", "data/0": bytes(24)}
    refused(read, zipped(state(tensor()), files), "big-endian")
    refused(read, older(state(tensor()), info=b"}\x8c\x0dlittle_endian\x89s"), "big-endian")
    refused(read, older(state(tensor()), info=b"N"), "big-endian")


def test_damaged_lists_of_storages_are_refused(read):
    for keys in (b"N", b"](\x8c\x011e", b"](Ke", b"]"):
        refused(
            read,
            older(state(tensor()), keys=keys),
            "none of its tensors|does not have|truncated|pickle",
        )
    for values in (7, -1, 1 << 60):
        refused(read, older(state(tensor()), count=values), "truncated")
    refused(read, older(state(tensor()), count=5), "of which the file has 20")


def test_every_truncation_is_refused(read):
    for whole in (zipped(state(tensor())), older(state(tensor()))):
        for end in range(0, len(whole) - 1, 7):
            with pytest.raises(DataError):
                read(whole[:end])


STRANGE = {
    "deep": b"]" * 50_000 + b"a" * 49_999,
    "cyclic": b"}q\x01" + short("k") + b"h\x01s",
    "unknown name": name("no.such thing") + b")R",
    "a class": name("collections OrderedDict") + b")\x81",
    "a class of keywords": name("a b") + b")}\x92",
    "an old object": b"(" + name("a b") + b"o",
    "an old instance": b"(ia\nb\n",
    "a set": b"\x8f",
    "an extension": b"\x82\x01",
    "pairs": name("collections OrderedDict") + b"(](KKetR",
    "two arguments": name("collections OrderedDict") + b"(]]tR",
    "a changed tensor": tensor() + b"}b",
    "many pairs": b"](" + b"](N" * 3 + b"eee" + b"e",
}  # fmt: skip


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_pickle_is_refused_or_its_weights_are_read(read, what):
    start = process_time()
    data = b"\x80\x04}(" + short("a.weight") + tensor() + short("x") + STRANGE[what] + b"u."
    try:
        assert len(read(zipped(data)).layers) == 1
    except DataError as problem:
        assert str(problem).isprintable()
    assert process_time() - start < 5


def test_ordered_dictionaries_of_one_large_list_end_early(read):
    pairs = b"](" + b"](" + short("k") + b"Ne" + b"e"
    listed = b"](" + (b"(" + short("k") + b"Nt") * 2000 + b"eq\x01"
    calls = (name("collections OrderedDict") + b"h\x01\x85R0") * 3000
    data = b"\x80\x04}(" + short("a.weight") + tensor() + short("x") + listed + calls + b"u."
    start = process_time()
    refused(read, zipped(data), "more entries than the file has room for")
    assert process_time() - start < 5 and pairs
