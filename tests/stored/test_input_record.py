"""The record of a network's input: what it holds, and what is refused."""

import msgspec
import numpy as np
import pytest

from convnet.errors import CheckpointError
from convnet.stored.input_record import LARGEST_MEAN, InputRecord
from convnet.stored.records import from_json

IMAGE = np.arange(3 * 6 * 6, dtype=np.float32).reshape(3, 6, 6) / 7
COLORS = {"color_deviations": (3.0, 2.0, 1.0), "color_vectors": ((1.0, 0, 0),) * 3}
GOOD = {"side": 6, "channels": 3, "inner_size": 4, "mean_kind": "image"}


def record(**facts):
    return InputRecord(**GOOD | {"mean_image": IMAGE.tobytes()} | facts)


def test_a_record_survives_json_bit_for_bit():
    written = record(color_order="RGB", scale=1 / 3, **COLORS)
    read = from_json(msgspec.json.encode(written), InputRecord, "a file", CheckpointError)
    assert read == written
    assert read.mean.tobytes() == IMAGE.tobytes() and read.mean.shape == (3, 6, 6)
    assert read.color_pca[0].tolist() == [3, 2, 1] and read.color_pca[1].shape == (3, 3)


def test_a_number_is_subtracted_where_there_is_no_image():
    assert record(mean_kind="number", mean_image=None, mean_number=127.5).mean == 127.5
    assert record().color_pca is None


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"inner_size": 7}, "a crop of 7 out of images of 6 pixels"),
        ({"inner_size": 0}, "inner_size: .*>= 1, found 0"),
        ({"side": "6"}, 'side: expected int, found "6"'),
        ({"mean_kind": "median"}, 'mean_kind: expected another value, found "median"'),
        ({"mean_kind": "scalar"}, "if and only if it is image"),
        ({"mean_image": None}, "if and only if it is image"),
        ({"mean_image": "AAAA"}, "a mean image of 3 bytes for 3 channels"),
        ({"mean_image": "not base64"}, "mean_image: invalid base64"),
        ({"scale": 0}, "scale: .*> 0.0, found 0"),
        ({"color_deviations": [1, 2, 3]}, "need each other"),
        ({"color_deviations": [1, 2], "color_vectors": [[1, 2, 3]] * 3}, "3 deviations and 3x3"),
    ],
)
def test_what_does_not_fit_is_named(facts, message):
    stored = msgspec.json.decode(msgspec.json.encode(record())) | facts
    with pytest.raises(CheckpointError, match=f"run.safetensors: input: is damaged: .*{message}"):
        text = msgspec.json.encode(stored)
        from_json(text, InputRecord, "run.safetensors: input", CheckpointError)


def test_a_mean_image_is_finite_and_bounded():
    spoilt = IMAGE.copy()
    spoilt[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        record(mean_image=spoilt.tobytes())
    side = 1 + (1 << 11)
    large = bytes(4 * 3 * side * side)
    assert len(large) > LARGEST_MEAN
    assert record().is_storable and not record(mean_image=large).is_storable
    stored = msgspec.to_builtins(record(mean_kind="number", mean_image=None)) | {
        "mean_kind": "image",
        "mean_image": large,
    }
    with pytest.raises(msgspec.ValidationError, match="mean_image"):
        msgspec.convert(stored, InputRecord)
