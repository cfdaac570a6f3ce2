"""The records of an unfinished set are checked against their declaration when it is continued."""

import json
import shutil

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.make_data.make import Progress, make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import write_tree


class Stop(Progress):
    def made(self, images):
        self.done = getattr(self, "done", 0) + images
        if self.done > 4:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The options, and the folder of a set of which one shard is finished."""
    folder = tmp_path_factory.mktemp("stopped")
    options = MakeOptions(write_tree(folder / "train", 2, 6), hold_out=0.25, shard_images=4)
    with pytest.raises(KeyboardInterrupt):
        make_data(options, folder / "set", Stop())
    return options, folder / "set"


@pytest.fixture
def copy(stopped, tmp_path):
    shutil.copytree(stopped[1], tmp_path / "set")
    return stopped[0], tmp_path / "set"


def refused(copy, message):
    with pytest.raises(DataError, match=f"(?s){message}.*delete .*set and start again"):
        make_data(*copy)


def test_untouched_it_is_continued(copy):
    assert make_data(*copy).images("train") == 8


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seed", -1, "seed: expected int >= 0, found -1"),
        ("ids", [3], r"ids\[0\]: expected str, found 3"),
        ("ids", [], "ids: expected array of length >= 1"),
        ("ids", ["a"], "its numbers point at nothing"),
        ("sources", [], "its numbers point at nothing"),
        ("chroma", "4:1:1", 'chroma: expected another value, found "4:1:1"'),
        ("stamps", {"train": 5}, r"stamps.*expected array, found 5"),
        ("passed_over", [["a"]], r"passed_over\[0\]: expected array of length 2"),
        ("layout", 1, "layout: expected another value, found 1"),
        ("options", [], "options: expected object"),
    ],
)
def test_a_damaged_plan_is_named(copy, field, value, message):
    path = copy[1] / "making" / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    refused(copy, f"plan.json: is damaged: {message}")


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff", b"null"])
def test_records_that_are_no_json_are_named(copy, text):
    for name in ("train-00000.json", "plan.json"):
        (copy[1] / "making" / name).write_bytes(text)
        refused(copy, f"{name}: is damaged")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": {"images": 1}}, "shard: there is no field bytes"),
        ({"remarks": [["a", "b"]]}, r"remarks\[0\]: expected array of length 4"),
        ({"remarks": [["a", "b", "c", 4]]}, r"remarks\[0\]\[3\]: expected str, found 4"),
    ],
)
def test_a_damaged_record_of_a_shard_is_named(copy, change, message):
    path = copy[1] / "making" / "train-00000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(copy, f"train-00000.json: is damaged: {message}")


def test_a_damaged_number_of_finished_shards_is_named(copy):
    path = copy[1] / "making" / "state.npy"
    vector = np.load(path)
    vector[0] = 99
    np.save(path, vector)
    refused(copy, "state.npy: is not as it was written")


def test_a_finished_index_that_was_changed_is_named(copy):
    path = copy[1] / "train-00000.idx.npy"
    np.save(path, np.load(path) + 1)
    refused(copy, "train-00000.idx.npy: is not as it was written")
    path.unlink()
    refused(copy, "train-00000.idx.npy: is not as it was written")


def test_names_that_are_no_utf8_are_named(copy):
    (copy[1] / "making" / "train.names.txt").write_bytes(b"\xff")
    refused(copy, "train.names.txt: is damaged: not UTF-8")


@pytest.mark.parametrize("name", ["train.names.txt", "train.places.npy", "train-00000.json"])
def test_missing_records_are_named(copy, name):
    (copy[1] / "making" / name).unlink()
    refused(copy, rf"{name}: (is damaged: )?.*no such file")
