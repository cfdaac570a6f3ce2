"""The unpickler reads data files of Python 2 and 3, and executes nothing in them."""

import builtins
import collections
import copyreg
import os
import pickle
import pickletools
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convnet.data.pickle.unpickler import read_dictionary, read_pickle
from convnet.errors import DataError
from tests.support.python2_pickle import python2_pickle

BATCH = {
    "data": np.arange(24, dtype=np.uint8).reshape(2, 12) * 10,
    "mean": np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)),
    "labels": [3, 1],
    "filenames": [b"a\\b'\".png", b"\x00\n\xff"],
    "sizes": (7, -70_000, None, True),
}


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "data_batch_1"
        path.write_bytes(data)
        return read_pickle(path)

    return read


def assert_is_batch(value):
    for key in ("data", "mean"):
        np.testing.assert_array_equal(value[key], BATCH[key])
        assert value[key].dtype.name == BATCH[key].dtype.name
    assert {k: value[k] for k in ("labels", "filenames", "sizes")} == {
        k: BATCH[k] for k in ("labels", "filenames", "sizes")
    }


@pytest.mark.parametrize("protocol", range(6))
def test_reads_what_python_3_writes(read, protocol):
    assert_is_batch(read(pickle.dumps(BATCH, protocol)))


@pytest.mark.parametrize("protocol", [0, 2])
def test_reads_what_python_2_wrote(read, protocol):
    data = python2_pickle(BATCH, protocol)
    assert_is_batch(read(data))
    assert_is_batch(pickle.loads(data, encoding="latin1") | {"filenames": BATCH["filenames"]})


@pytest.mark.parametrize("protocol", range(6))
def test_reads_plain_values(read, protocol):
    value = {"": b"", 3: 2.5, "é": [(), {}, [], 2**40, -(2**70), np.float64(0.5), np.int32(7)]}
    assert read(pickle.dumps(value, protocol)) == value


class Runs:
    """Pickles as a call."""

    def __init__(self, *call, state=None):
        self.call, self.state = call, state

    def __reduce__(self):
        return (*self.call, self.state) if self.state else self.call


class Plain:
    pass


def text(value):
    return b"\x8c" + struct.pack("B", len(value)) + value.encode()


def stack_global(module, name):
    return text(module) + text(name) + b"\x93"


HOSTILE = {
    "os.system": pickle.dumps(Runs(os.system, ("touch ran",))),
    "os.system in an old file": b"cos\nsystem\n(S'touch ran'\ntR.",
    "eval": pickle.dumps(Runs(builtins.eval, ("open('ran', 'w')",))),
    "eval in a key": b"}c__builtin__\neval\n(S\"open('ran','w')\"\ntRK\x01s.",
    "a dotted name": b"\x80\x04" + stack_global("numpy", "os.system")
    + text("touch ran") + b"\x85R.",
    "getattr of getattr": b"\x80\x04" + stack_global("builtins", "getattr")
    + stack_global("os", "system") + text("__call__") + b"\x86R" + text("touch ran") + b"\x85R.",
    "an object's state": pickle.dumps(Runs(np.dtype, ("u1",), state={"__setstate__": 1})),
    "BUILD on a dictionary": b"}}S'__class__'\nK\x01sb.",
    "BUILD on a name": b"cos\nenviron\n}S'PATH'\nS'ran'\nsb.",
    "copyreg": pickle.dumps(Runs(copyreg._reconstructor, (Plain, object, None))),
    "an object": pickle.dumps(Plain()),
    "an object of protocol 0": pickle.dumps(Plain(), 0),
    "INST": b"(S'touch ran'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch ran'\no.",
    "a registered extension": b"\x82\x01.",
    "a persistent id": b"Pran\n.",
    "a class of arrays": pickle.dumps(np.ma.masked_array([1], [0])),
    "an array of objects": pickle.dumps(np.array([[{}, None]])),
    "a record array": pickle.dumps(np.zeros(2, [("a", "f4")])),
    "an array of dates": pickle.dumps(np.zeros(2, "M8[s]")),
    "an array of texts of no length": pickle.dumps(np.array([""])).replace(b"U1", b"U0"),
    "a set": pickle.dumps({1, 2}),
    "an ordered dictionary": pickle.dumps(collections.OrderedDict(a=1)),
    "a function": pickle.dumps(os.system),
    "dtype of a list": b"cnumpy\ndtype\n(]tR.",
    "the ndarray class called": b"cnumpy\nndarray\n(I1000000000\ntR.",
    "a tuple as key": b"}K\x01\x85K\x01s.",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_refuses_and_runs_nothing(read, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = dict(os.environ)
    with pytest.raises(DataError, match="data_batch_1: .*executed"):
        read(HOSTILE[kind])
    assert not (tmp_path / "ran").exists()
    assert os.environ == environment


def array_of(shape, contents, fortran=b"\x89"):
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    dtype = b"cnumpy\ndtype\n(U\x02u1tR"
    data = b"T" + struct.pack("<i", len(contents)) + contents
    return head + b"(K\x01" + shape + dtype + fortran + data + b"tb."


BOMBS = {
    "a shape beyond the contents": array_of(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"ab"),
    "a shape of nothing": array_of(b"(K\x00J\xff\xff\xff\x7ft", b""),
    "a negative shape": array_of(b"(J\xff\xff\xff\xffJ\xfe\xff\xff\xfft", b"ab"),
    "a shape that is no tuple": array_of(b"K\x02", b"ab"),
    "too many dimensions": array_of(b"(" + b"K\x01" * 70 + b"t", b"a"),
    "an array as truth": array_of(b"(K\x02t", b"ab", fortran=array_of(b"(K\x02t", b"ab")[2:-1]),
    "a string of 2 GB": b"T\xff\xff\xff\x7fab.",
    "a string of 2**63": b"\x8e" + b"\xff" * 8 + b"ab.",
    "a bytearray of 2**40": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"ab.",
    "a negative string": b"T\xff\xff\xff\xffab.",
    "a number of 2 GB": b"\x8b\xff\xff\xff\x7fab.",
    "a long number": b"\x8b" + struct.pack("<i", 9999) + b"a" * 9999 + b".",
    "a number of many digits": b"L" + b"9" * 100_000 + b"L\n.",
    "an unknown protocol": b"\x80\x63N.",
    "an empty file": b"",
    "no pickle": b"\x89PNG\r\n\x1a\n",
    "a bare mark": b"(.",
    "an appending across a mark": b"]K\x01(a.",
    "an appending to nothing": b"(e.",
    "an unfinished array": array_of(b"(K\x02t", b"ab").partition(b"tR")[0] + b"tR.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_refuses_damage_and_large_claims(read, kind):
    with pytest.raises(DataError, match="data_batch_1: "):
        read(BOMBS[kind])


def test_a_far_memo_place_takes_no_memory(read):
    assert read(b"\x80\x02Nr\xff\xff\xff\x7f.") is None


def test_deep_nesting_is_no_danger(read):
    value = read(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert type(value) is list


def test_too_many_instructions(read, monkeypatch):
    monkeypatch.setattr("convnet.data.pickle.machine._MAX_INSTRUCTIONS", 1000)
    with pytest.raises(DataError, match="more than 1,000 instructions"):
        read(b"N0" * 1000 + b"N.")


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_truncated_file(read, protocol):
    data = python2_pickle(BATCH | {"data": np.zeros((20, 100), np.uint8)}, protocol)
    for size in range(0, len(data) - 1, 97):
        with pytest.raises(DataError):
            read(data[:size])


def test_refused_opcodes_are_known_ones():
    known = {op.code.encode("latin-1") for op in pickletools.opcodes}
    from convnet.data.pickle.machine import _ACTIONS, _REFUSED

    assert set(_ACTIONS) | set(_REFUSED) | {b"."} == known


SEEDS = [pickle.dumps(BATCH, protocol) for protocol in range(6)]
SEEDS += [python2_pickle(BATCH, protocol) for protocol in (0, 2)]
SEEDS += list(HOSTILE.values())
OPCODES = [op.code.encode("latin-1") for op in pickletools.opcodes]


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        inserted = draw(st.sampled_from(OPCODES) | st.binary(max_size=5))
        data[at : at + draw(st.integers(0, 3))] = inserted
    return bytes(data)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(data=mutated() | st.lists(st.sampled_from(OPCODES)).map(b"".join) | st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_data_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any_bytes"
    path.write_bytes(data)
    loaded = set(sys.modules)
    try:
        read_pickle(path)
    except DataError as error:
        assert str(path) in str(error)
    assert set(sys.modules) <= loaded | {name for name in sys.modules if "hypothesis" in name}


def test_read_dictionary_names_what_is_missing(tmp_path):
    path = tmp_path / "batches.meta"
    path.write_bytes(pickle.dumps({"names": 1}))
    with pytest.raises(DataError, match="batches.meta: has no 'label_names'"):
        read_dictionary(path, "label_names")
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(DataError, match="holds a list, not a dictionary"):
        read_dictionary(path)
    with pytest.raises(DataError, match="no such file"):
        read_pickle(tmp_path / "absent")
