"""Damaged and hostile files of Caffe: one line each, in little time and memory."""

import time
import tracemalloc

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.foreign.caffe import read_caffemodel, read_mean
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

MIB = 1 << 20


def small():
    conv = [blob(np.ones((2, 3, 2, 2))), blob(np.ones(2), values="unpacked")]
    full = [blob(np.ones((2, 3)), "old", "double")]
    return net(
        layer("data", "Data", transform=number(3, 24) + float32(5, 104)),
        layer("conv1", "Convolution", conv, convolution=convolution_of(2, 1)),
        layer("fc2", "InnerProduct", full, full=number(1, 2)),
    )


def judge(tmp_path, contents, read=read_caffemodel):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(contents)
    try:
        return read(path)
    except DataError as error:
        assert str(error).isprintable() and str(error).startswith(str(path))
        return None


def test_every_truncation(tmp_path):
    data = small()
    whole = judge(tmp_path, data)
    assert [each.name for each in whole.layers] == ["conv1", "fc2"]
    kept = [n for n in range(len(data)) if judge(tmp_path, data[:n]) is not None]
    last = len(data) - len(layer("fc2", "InnerProduct", [blob(np.ones((2, 3)), "old", "double")],
                                 full=number(1, 2)))  # fmt: skip
    assert kept == [last]


def test_every_changed_byte(tmp_path):
    data = small()
    for at in range(len(data)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1):
            judge(tmp_path, data[:at] + bytes([value]) + data[at + 1 :])


def test_every_truncation_of_a_mean(tmp_path):
    data = blob(np.ones((3, 4, 4)), "old")
    assert all(judge(tmp_path, data[:n], read_mean) is None for n in range(len(data)))


@pytest.mark.parametrize(
    "contents",
    [
        b"\x80" * 20,  # a number without an end
        b"\xff" * 9 + b"\x01",
        message(100, b"")[:-1] + varint((1 << 64) - 1),  # a length of 2^64 - 1
        message(100, b"")[:-1] + varint(1 << 62),
        number(100, 5),  # a number in place of a layer
        message(100, number(7, 5)),
        message(100, message(7, number(5, 5))),  # an integer in place of values
        message(100, message(7, message(5, b"12345"))),  # a value and a quarter
        message(100, message(7, varint(8 * 8 + 5) + b"1234")),  # 32 bits in a double
        b"\x03\x04",  # a group
        b"\x02",  # field 0
    ],
)
def test_bytes_that_are_no_network(tmp_path, contents):
    assert judge(tmp_path, contents) is None


def test_nested_deeply(tmp_path):
    """Fields that are not known are skipped, however deep they are nested."""
    deep = b""
    for _ in range(20_000):
        deep = message(3, deep)
    judge(tmp_path, net(message(100, message(106, deep))))
    judge(tmp_path, net(message(77, deep)))
    judge(tmp_path, net(message(100, message(100, b"\x0b" * 500_000))))


def measured(tmp_path, contents):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(contents)
    tracemalloc.start()
    with pytest.raises(DataError) as error:
        read_caffemodel(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * len(contents) + 16 * MIB
    return str(error.value)


def test_many_empty_messages_take_no_memory(tmp_path):
    assert "beside its arrays" in measured(tmp_path, message(100, b"") * 40_000)
    assert "beside its arrays" in measured(tmp_path, number(4, 5) * 300_000)
    empty = message(100, message(7, message(5, b"")))
    assert "beside its arrays" in measured(tmp_path, empty * 20_000)
    gradients = message(100, message(7, message(6, b"") * 40_000))
    assert "beside its arrays" in measured(tmp_path, gradients)


def test_short_runs_of_values_take_little_time(tmp_path):
    run = float32(5, 1) + float32(6, 1)
    many = message(100, message(7, run * 15_000 + message(5, bytes(64 * MIB))))
    path = tmp_path / "net.caffemodel"
    path.write_bytes(many)
    started = time.process_time()
    with pytest.raises(DataError, match="holds no weights"):
        read_caffemodel(path)
    assert time.process_time() - started < 5  # seconds


def test_memory_is_about_the_size_of_the_file(tmp_path):
    weights = np.ones((1024, 4096), np.float32)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net(layer("fc", "InnerProduct", [blob(weights)])))
    read_caffemodel(path)
    tracemalloc.start()
    file = read_caffemodel(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.layers[0].weights.nbytes == weights.nbytes
    assert most < 2.1 * path.stat().st_size
