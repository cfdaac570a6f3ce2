"""safetensors and npz files of any origin, and mean images."""

import io
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save as save_tensors

from convnet.errors import DataError
from convnet.foreign.array_files import npz_file, read_npz, read_safetensors, safetensors_file
from convnet.foreign.mean_file import read_npy_mean

WEIGHTS = np.random.default_rng(0).standard_normal((4, 3, 2, 2))


@pytest.fixture
def write(tmp_path):
    def write(data, name="x"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def npz(pack=np.savez, **arrays):
    file = io.BytesIO()
    pack(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_floats_of_all_sizes(write, kind):
    state = {"a.weight": WEIGHTS.astype(kind), "a.bias": np.arange(4, dtype=kind)}
    for file in (read_npz(write(npz(**state))), read_npz(write(npz(np.savez_compressed, **state))),
                 read_safetensors(write(save(state)))):  # fmt: skip
        (layer,) = file.layers
        np.testing.assert_array_equal(layer.weights, state["a.weight"].astype(np.float32))
        np.testing.assert_array_equal(layer.biases, np.arange(4))
        assert layer.weights.dtype == layer.biases.dtype == np.float32


def test_bfloat16_and_integers_of_safetensors(write):
    state = {"a.weight": torch.from_numpy(WEIGHTS).bfloat16(), "n": torch.tensor(3),
             "b.weight": torch.ones(2, 2, dtype=torch.bool)}  # fmt: skip
    file = read_safetensors(write(save_tensors(state)))
    expected = state["a.weight"].float().numpy()
    np.testing.assert_array_equal(file.layers[0].weights, expected)
    assert dict(file.left) == {
        "b.weight": "holds integers",
        "n": "is neither weights nor biases of a layer",
    }


def test_arrays_by_columns_are_read_as_they_are(write):
    found = npz_file(write(npz(a=np.asfortranarray(WEIGHTS)))).arrays["a"]
    np.testing.assert_array_equal(found, WEIGHTS.astype(np.float32))


def test_only_archives_keep_the_order(write):
    state = {"z.weight": np.ones((2, 2)), "a.weight": np.ones((2, 2))}
    file = read_npz(write(npz(**state)))
    assert file.is_ordered and [layer.name for layer in file.layers] == ["z", "a"]
    assert not read_safetensors(write(save(state))).is_ordered


def test_texts_of_the_metadata(write):
    data = save({"a": np.ones(1)}, {"k": "v"})
    assert safetensors_file(write(data)).metadata == {"k": "v"}
    assert npz_file(write(npz(metadata=np.array('{"k": "v", "n": 1}')))).metadata == {"k": "v"}
    assert npz_file(write(npz(metadata=np.ones(2)))).metadata == {}
    with pytest.raises(DataError, match="metadata is not valid JSON"):
        npz_file(write(npz(metadata=np.array("{"))))


def test_files_without_weights_are_refused(write):
    for read, data in ((read_npz, npz(a=np.ones(3))), (read_safetensors, save({"a": np.ones(3)}))):
        with pytest.raises(DataError, match="holds no weights.*LAYER.weight; it holds 1 arrays"):
            read(write(data))


def header(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff" * 8 + b"{", header("{"), header("[]"), header('{"a": 1}'),
        header('{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'),
        header('{"a": {"dtype": "F32", "shape": [1099511627], "data_offsets": [0, 8]}}') + bytes(8),
        header('{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}') + bytes(8),
        save({"a.weight": np.ones((2, 2))})[:-1],
    ],
)  # fmt: skip
def test_damaged_safetensors_are_refused(write, data):
    with pytest.raises(DataError, match="is damaged"):
        read_safetensors(write(data))


def test_types_that_are_not_read_are_named(write):
    data = header('{"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}') + bytes(2)
    with pytest.raises(DataError, match="'a' is of type F8_E4M3"):
        read_safetensors(write(data))


def archive(name, contents, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as members:
        members.writestr(name, contents)
    return file.getvalue()


def npy(array, **settings):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **settings)
    return file.getvalue()


def test_damaged_archives_are_refused(write):
    objects = npy(np.array([{}], object), allow_pickle=True)
    arrays = (b"", objects, npy(WEIGHTS)[:-1], npy(WEIGHTS) + b"x")
    for data in (npz(a=WEIGHTS)[:-30], b"PK", *(archive("a.npy", array) for array in arrays)):
        with pytest.raises(DataError, match="is damaged"):
            read_npz(write(data))
    with pytest.raises(DataError, match="claim to unpack to far more"):
        read_npz(write(archive("a.npy", bytes(65 << 20), zipfile.ZIP_DEFLATED)))


def test_means_in_npy_files(write):
    mean = np.arange(12.0).reshape(3, 2, 2)
    np.testing.assert_array_equal(read_npy_mean(write(npy(mean.astype(np.float32)))), mean)
    for bad in (npy(np.array("text")), npy(np.ones(3, bool)), npy(mean)[:-1], b""):
        with pytest.raises(DataError, match="is damaged"):
            read_npy_mean(write(bad))
