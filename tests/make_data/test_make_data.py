"""What make-data makes of archives and folders, and what the command prints."""

import numpy as np
import pytest

from convnet.data import open_dataset
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Jpeg, make_picture
from tests.support.command_line import good, run
from tests.support.imagenet_archives import (
    CONVERTED,
    EVIL,
    SKIPPED,
    challenge_id,
    class_images,
    encoded,
    picture,
    tar_of,
    troublemakers,
    wnid,
    words,
    write_ilsvrc,
    write_tree,
)
from tests.support.made_sets import CLASSES, GOOD, SHARD, TRAIN, VAL, contents, stored, wanted


def test_classes_and_labels_of_the_challenge(archives, made):
    dataset = open_dataset(made)
    assert dataset.class_names == tuple(words(label) for label in range(CLASSES))
    assert dataset.manifest.name == "ILSVRC2012_img_train.tar"
    found = dict(stored(made, "test"))
    assert len(found) == CLASSES * VAL
    for number, label in enumerate(archives.labels, 1):
        jpeg = make_picture(encoded(picture(10**6 + number - 1)), Jpeg()).jpeg
        assert found[f"ILSVRC2012_val_{number:08}"] == (label, jpeg)
    found = dict(stored(made, "train"))
    assert len(found) == GOOD == dataset.count("train")
    for label in range(CLASSES):
        for name, data in class_images(label, TRAIN).items():
            assert found[name.partition(".")[0]] == (label, make_picture(data, Jpeg()).jpeg)
    assert {found[name.partition(".")[0]][0] for name in CONVERTED} == {0}


def test_labels_as_the_originals_have_them(archives, tmp_path):
    make_data(wanted(archives, label_order="ilsvrc"), tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    by_number = sorted(range(CLASSES), key=lambda label: challenge_id(label, CLASSES))
    assert by_number != sorted(by_number)
    assert dataset.wnids == tuple(wnid(label) for label in by_number)
    assert "ILSVRC ids of the development kit less 1" in dataset.manifest.label_order
    for name, (label, _) in stored(tmp_path / "set", "train"):
        if name.startswith("n"):
            assert dataset.wnids[label] == name[:9]
    found = dict(stored(tmp_path / "set", "test"))
    for number, label in enumerate(archives.labels, 1):
        assert found[f"ILSVRC2012_val_{number:08}"][0] == challenge_id(label, CLASSES) - 1


def test_troublemakers_are_named(made):
    lines = [line.split("\t") for line in (made / "remarks.txt").read_text().splitlines()]
    found = {name: (done, why) for _, name, done, why in lines}
    for name, kind in CONVERTED.items():
        assert found[f"{wnid(0)}/{name}"] == ("converted", kind)
    for name, kind in SKIPPED.items():
        done, why = found[f"{wnid(0)}/{name}"]
        assert (done, why.partition(":")[0]) == ("skipped", kind)
    for name in EVIL:
        assert found[name][0] == "skipped"
        assert found[name][1].endswith("not followed")
    assert len(found) == len(CONVERTED) + len(SKIPPED) + len(EVIL)
    remarks = open_dataset(made).manifest.remarks
    assert remarks["skipped: broken"] == 2
    assert remarks["skipped: a link in an archive, not followed"] == 4


def test_images_are_shuffled_by_the_seed(archives, made, tmp_path):
    def order(folder):
        return [name for name, _ in stored(folder, "train")]

    assert order(made) != sorted(order(made))
    labels = open_dataset(made).labels("train", np.arange(GOOD))
    assert np.count_nonzero(np.diff(labels)) > GOOD / 3
    make_data(wanted(archives, seed=4), tmp_path / "set")
    assert order(tmp_path / "set") != order(made)
    assert sorted(order(tmp_path / "set")) == sorted(order(made))


def test_the_same_images_make_the_same_shards_wherever_they_lie(archives, made, tmp_path):
    """A tar of tars, a folder of tars, a folder of folders, a tar of folders."""
    classes = {wnid(n): class_images(n, TRAIN) | (troublemakers() if not n else {})
               for n in range(CLASSES)}  # fmt: skip
    for name, files in classes.items():
        (tmp_path / "tars").mkdir(exist_ok=True)
        (tmp_path / "tars" / f"{name}.tar").write_bytes(tar_of(files))
        (tmp_path / "folders" / name).mkdir(parents=True)
        for file, data in files.items():
            (tmp_path / "folders" / name / file).write_bytes(data)
    flat = {
        f"train/{name}/{file}": data
        for name, files in classes.items()
        for file, data in files.items()
    }
    (tmp_path / "one.tar").write_bytes(tar_of(flat))
    expected = contents(made)
    for source in ("tars", "folders", "one.tar"):
        options = {"shard_images": SHARD, "seed": 3}
        out = tmp_path / f"set of {source}"
        make_data(MakeOptions(tmp_path / source, archives.val, archives.devkit, **options), out)
        found = contents(out)
        assert set(found) == set(expected)
        same = {name for name in found if found[name] == expected[name]}
        assert set(found) - same == {"dataset.json", "remarks.txt"}


def test_2010_has_its_images_in_folders_and_a_truth_of_the_test_images(tmp_path):
    archives = write_ilsvrc(tmp_path, 3, 2, 2, trouble=False, year=2010, in_folder="val/")
    make_data(wanted(archives), tmp_path / "a")
    found = dict(stored(tmp_path / "a", "test"))
    labels = [found[f"ILSVRC2010_val_{i:08}"][0] for i in range(1, 7)]
    assert labels == archives.labels
    truth = tmp_path / "ILSVRC2010_test_ground_truth.txt"
    truth.write_text("".join(f"{challenge_id(label, 3)}\n" for label in archives.labels[::-1]))
    make_data(wanted(archives, ground_truth=truth), tmp_path / "b")
    found = dict(stored(tmp_path / "b", "test"))
    assert [found[f"ILSVRC2010_val_{i:08}"][0] for i in range(1, 7)] == archives.labels[::-1]


def test_a_share_of_each_class_is_held_out(tmp_path):
    train = write_tree(tmp_path / "photos", 3, 10)
    (tmp_path / "words.txt").write_text(f"{wnid(1)}\ttench, Tinca tinca\nn99999999 x\n")
    options = {"shard_images": 64, "words": tmp_path / "words.txt"}
    make_data(MakeOptions(train, hold_out=0.3, **options), tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    assert dataset.class_names == (wnid(0), "tench, Tinca tinca", wnid(2))
    assert np.bincount(dataset.labels("train", np.arange(21))).tolist() == [7, 7, 7]
    assert np.bincount(dataset.labels("test", np.arange(9))).tolist() == [3, 3, 3]
    train_names, test_names = (dict(stored(tmp_path / "set", s)) for s in ("train", "test"))
    assert len(train_names | test_names) == 30
    make_data(MakeOptions(train, hold_out=0.3, seed=1, **options), tmp_path / "other")
    assert set(dict(stored(tmp_path / "other", "test"))) != set(test_names)


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", 2, 2)


def test_the_command(archives, made, tmp_path):
    sources = ["--train", archives.train, "--val", archives.val, "--devkit", archives.devkit]
    options = ["--shard-images", 16, "--seed", 3, "--workers", 1]
    result = good("make-data", *sources, *options, "--out", tmp_path / "set")
    assert contents(tmp_path / "set") == contents(made)
    assert f"{GOOD + 3} training and 20 test images of 4 classes; 1 workers" in result.stderr
    assert (
        "number of training images differs from the development kit: 1 (n01440764" in result.stderr
    )
    assert f"4 classes, {GOOD} training and 20 test images" in result.stdout
    assert "labels: sorted WordNet ids" in result.stdout
    assert "converted: cmyk: 1" in result.stdout
    result = good("make-data", "--verify", tmp_path / "set", "--workers", 1)
    assert "verified" in result.stdout
    with open(tmp_path / "set" / "train-00000.tar", "r+b") as file:
        file.write(b"x")
    result = run("make-data", "--verify", tmp_path / "set", "--workers", 1)
    assert result.exit_code == 1
    assert "train-00000.tar: its SHA-256" in result.stdout


def test_the_command_asks_for_what_is_missing(tree):
    assert run("make-data", "--train", tree).exit_code == 2
    result = run("make-data", "--train", tree, "--out", tree.parent / "out")
    assert result.exit_code == 1
    assert "give --val" in result.stderr
    assert run("make-data", "--verify", tree).exit_code == 1


def test_ctrl_c_ends_with_a_word(tree, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("convnet.make_data.make.carry_out", interrupt)
    options = ["--train", tree, "--hold-out", 0.5, "--out", tmp_path / "out"]
    result = run("make-data", *options)
    assert result.exit_code == 130
    assert "the same command continues after the last complete shard" in result.stderr
