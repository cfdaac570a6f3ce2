"""Sets without test or training images are refused; classes without them are named."""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, open_dataset
from convnet.errors import DataError
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.command_line import run
from tests.support.imagenet_archives import encoded, picture, tar_of, wnid, write_tree
from tests.support.sealed_sets import description, seal


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", 2, 4)


def spoil(folder):
    for path in folder.rglob("*.JPEG"):
        path.write_bytes(b"broken")


@pytest.mark.parametrize(("spoiled", "kind"), [("val", "test"), ("train", "training")])
def test_a_set_without_images_of_one_kind_is_refused(tmp_path, spoiled, kind):
    for name in ("train", "val"):
        write_tree(tmp_path / name, 2, 3)
    spoil(tmp_path / spoiled)
    options = MakeOptions(tmp_path / "train", tmp_path / "val")
    message = f"none of the {kind} images could be read .see remarks.txt there.; delete it"
    for _ in range(2):
        with pytest.raises(DataError, match=message):
            make_data(options, tmp_path / "set")
        assert not (tmp_path / "set" / "dataset.json").exists()
    assert (tmp_path / "set" / "remarks.txt").read_text().count("broken") == 6


def test_an_empty_folder_of_test_images_is_refused(tree, tmp_path):
    (tmp_path / "val" / wnid(0)).mkdir(parents=True)
    with pytest.raises(DataError, match="val: no images found"):
        make_data(MakeOptions(tree, tmp_path / "val"), tmp_path / "set")


@pytest.mark.parametrize("packed", [False, True])
def test_folders_and_tars_without_images_are_named(tree, tmp_path, packed):
    (tree / "nothing").mkdir()
    (tree / "text").mkdir()
    (tree / "text" / "readme.md").write_text("x")
    (tree / "void.tar").write_bytes(tar_of({}))
    train, empty = tree, ("nothing", "text", "void.tar")
    if packed:
        tars = {f"{wnid(0)}.tar": tar_of({f"{i}.jpg": encoded(picture(i)) for i in range(4)})}
        train, empty = tmp_path / "train.tar", ("void.tar",)
        train.write_bytes(tar_of(tars | {"void.tar": tar_of({})}))
    result = run("make-data", "--train", train, "--hold-out", 0.5, "--out", tmp_path / "set")
    assert result.exit_code == 0
    assert f"no classes, as they have no images: {'; '.join(empty)}\n" in result.stderr
    assert f"skipped: a class without images: {len(empty)}" in result.stdout


def test_a_class_whose_training_images_are_all_broken_is_named(tree, tmp_path):
    spoil(tree / wnid(1))
    result = run("make-data", "--train", tree, "--hold-out", 0.5, "--out", tmp_path / "set")
    assert result.exit_code == 0
    assert "empty: a class without training images: 1" in result.stdout
    last = (tmp_path / "set" / "remarks.txt").read_text().splitlines()[-1]
    assert last == f"train\t{wnid(1)}\tempty\ta class without training images"


def test_a_class_that_is_held_out_whole_is_named_at_once(tree, tmp_path):
    for path in sorted((tree / wnid(1)).iterdir())[1:]:
        path.unlink()
    result = run("make-data", "--train", tree, "--hold-out", 0.6, "--out", tmp_path / "set")
    assert f"classes without training images: {wnid(1)}\n" in result.stderr
    assert "empty: a class without training images: 1" in result.stdout


def test_at_most_ten_are_named(tree, tmp_path):
    for number in range(12):
        (tree / f"nothing{number:02}").mkdir()
    result = run("make-data", "--train", tree, "--hold-out", 0.5, "--out", tmp_path / "set")
    assert "nothing08; nothing09; and 2 more\n" in result.stderr


def test_a_set_whose_test_images_are_missing_is_refused_where_they_are_used(tree, tmp_path):
    """As older versions could make it."""
    make_data(MakeOptions(tree, hold_out=0.5), tmp_path / "set")
    path = tmp_path / "set" / "test-00000.idx.npy"
    np.save(path, np.load(path)[:0])
    shards = description(tmp_path / "set")["shards"]
    shards["test"][0]["images"] = 0
    seal(tmp_path / "set", shards=shards)
    dataset = open_dataset(tmp_path / "set")
    Feed(dataset, "train", 4, FeedOptions())
    with pytest.raises(DataError, match="set: has no test images"):
        Feed(dataset, "test", 4, FeedOptions())
