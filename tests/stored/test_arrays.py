"""NumPy files: of the form asked for, or an error of the reader's kind before memory is taken."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from convnet.errors import CheckpointError, DataError
from convnet.stored.arrays import Form, read_archive, read_array, write_archive

FORMS = [
    (np.float32, (4, 3)), (np.int64, (5,)), (np.uint8, (2, 3, 4)), (np.float64, ()),
    (np.int32, (0,)), (np.bool_, (7, 1)), (np.float32, (0, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "shape"), FORMS, ids=str)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("mapped", [False, True])
def test_what_numpy_writes_is_read(tmp_path, dtype, shape, version, mapped):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version)
    found = read_array(tmp_path / "a.npy", dtype, shape, mapped=mapped)
    assert found.dtype == dtype and found.shape == shape and (found == array).all()
    assert found.flags.writeable != (mapped and array.size > 0)


def test_a_mapped_array_is_read_when_it_is_used(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(1 << 20))
    tracemalloc.start()
    read_array(tmp_path / "a.npy", np.float64, (1 << 20,), mapped=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def header(text, version=1):
    data = text.encode("latin-1")
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes([version, 0]) + len(data).to_bytes(width, "little") + data


def plain(shape="(4, 3)", descr="'<f4'", order="False"):
    return header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n")


DAMAGE = {
    b"": "found an empty one",
    b"\x93NUM": "expected a NumPy file",
    b"PK\3\4" * 9: "expected a NumPy file",
    b"\x93NUMPY\1\0": "expected the header",
    b"\x93NUMPY\7\0\4\0\0\0{}  ": "expected a header of at most",
    b"\x93NUMPY\2\0\xff\xff\xff\xff": "at most 4096 bytes, found 4,294,967,295",
    header("(" * 4000): "expected the header",
    header("{'descr': '<f4', 'fortran_order': " + "[" * 900): "expected the header",
    header("'''"): "expected the header",
    header("__import__('os').abort()"): "expected the header",
    plain("(10000000000000,)"): "expected float32 of 4x3, found float32 of 10000000000000",
    plain("(99999999999999999999,)"): "an impossible shape",
    plain("(" + "1, " * 40 + ")"): "an impossible shape",
    plain("(-1, 3)"): "expected the header",
    plain("(4 3,)"): "found values of type",
    plain(descr="'|O'"): "found values of type '|O'",
    plain(descr="'<f3'"): "found values of type '<f3'",
    plain(descr="'<M8'"): "found values of type '<M8'",
    plain(descr="[('a', '<f4')]"): "expected the header",
    plain(descr="'>f4'"): "expected float32 of 4x3, found >f4 of 4x3",
    plain(order="True"): "found column-major order",
    plain() + bytes(47): "expected 48 bytes of values, found 47",
    plain() + bytes(49): "expected 48 bytes of values, found 49",
}


@pytest.mark.parametrize("data", DAMAGE, ids=lambda data: repr(data[:70]))
def test_damage_is_named(tmp_path, data):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read_array(path, np.float32, (4, 3), error=CheckpointError, advice="make it again")
    text = str(caught.value)
    assert text.startswith(f"{path}: is damaged: ") and text.endswith("; make it again")
    assert DAMAGE[data] in text


def test_random_damage_is_an_error_or_the_same_form(tmp_path):
    path, random = tmp_path / "a.npy", np.random.default_rng(1)
    np.save(path, np.zeros((4, 3), np.float32))
    whole = path.read_bytes()
    for _ in range(3000):
        data = bytearray(whole)
        for place in random.integers(0, 140, random.integers(1, 4)):
            data[place] = random.integers(256)
        path.write_bytes(data[: random.integers(len(data)) if random.random() < 0.3 else None])
        try:
            assert read_array(path, np.float32, (4, 3)).shape == (4, 3)
        except DataError as error:
            assert str(error).startswith(f"{path}: is damaged: ") and str(error).isprintable()


def test_an_array_that_is_larger_than_the_memory(tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    np.save(tmp_path / "a.npy", np.zeros(1000))
    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(DataError, match="a.npy: needs 8,000 bytes of memory, more than there is"):
        read_array(tmp_path / "a.npy", np.float64, (1000,))


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("pipe", "a named pipe"), (".", "a folder")):
        with pytest.raises(DataError, match=f"is {kind}, not a file"):
            read_array(tmp_path / name, np.float32, (1,))
    with pytest.raises(DataError, match=r"none: cannot be read \(no such file or directory\)"):
        read_array(tmp_path / "none", np.float32, (1,))


# -- archives --------------------------------------------------------------------------------------

PAIR = {"a": Form(np.float32, (2, 2)), "b": Form(np.int64, (3,))}


def test_archives_are_read(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones((2, 2), np.float32), b=np.arange(3))
    found = read_archive(tmp_path / "x.npz", PAIR, optional={"c": Form(np.int64, (9,))})
    assert (found["a"] == 1).all() and found["b"].tolist() == [0, 1, 2] and len(found) == 2
    with pytest.raises(DataError, match="x.npz: is damaged: expected an array c, found none"):
        read_archive(tmp_path / "x.npz", {"c": Form(np.int64, (9,))})


def test_random_damage_of_archives_is_an_error(tmp_path):
    path, random = tmp_path / "x.npz", np.random.default_rng(2)
    np.savez(path, a=np.ones((2, 2), np.float32), b=np.arange(3))
    whole = path.read_bytes()
    for _ in range(3000):
        data = bytearray(whole)
        for place in random.integers(0, len(data), random.integers(1, 5)):
            data[place] = random.integers(256)
        path.write_bytes(data[: random.integers(len(data)) if random.random() < 0.2 else None])
        try:
            read_archive(path, PAIR)
        except DataError as error:
            assert str(error).startswith(f"{path}: ") and str(error).isprintable()


def test_every_byte_of_the_values_of_an_archive_counts(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.ones((2, 2), np.float32), b=np.arange(3))
    whole = path.read_bytes()
    for place in [i for i in range(len(whole)) if whole[i : i + 4] == b"\0\0\x80\x3f"]:
        path.write_bytes(whole[:place] + b"\1" + whole[place + 1 :])
        with pytest.raises(DataError, match="x.npz: is damaged: .*: Bad CRC-32"):
            read_archive(path, PAIR)


def test_an_archive_cannot_claim_more_than_it_holds(tmp_path):
    text, count = io.BytesIO(), 1 << 40
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("a.npy", plain(f"({count},)"))
        info = archive.getinfo("a.npy")
        info.file_size = info.compress_size = 4 * count + len(plain(f"({count},)"))
    (tmp_path / "x.npz").write_bytes(text.getvalue())
    with pytest.raises(DataError, match="a.npy: expected at most .* bytes, found 4,398,046,"):
        read_archive(tmp_path / "x.npz", {"a": Form(np.float32, (count,))})


def test_archives_are_written_under_any_names(tmp_path):
    """Also under those of NumPy's own arguments; Fortran order becomes row-major."""
    arrays = {"file": np.arange(6.0).reshape(2, 3), "allow_pickle": np.arange(6).reshape(2, 3).T}
    write_archive(tmp_path / "a.npz", arrays)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == ["file.npy", "allow_pickle.npy"]
    forms = {name: Form(array.dtype, array.shape) for name, array in arrays.items()}
    found = read_archive(tmp_path / "a.npz", forms)
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
