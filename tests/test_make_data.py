"""Making data sets, from archives of the published structure and with the known troublemakers."""

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import good, run
from imagenet_archives import (
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

from convnet.data import open_dataset
from convnet.errors import DataError
from convnet.make_data import write
from convnet.make_data.make import Watcher, make_data
from convnet.make_data.picture import Jpeg, make_picture
from convnet.make_data.verify import verify
from convnet.make_data.wanted import Wanted

CLASSES, TRAIN, VAL, SHARD = 4, 12, 5, 16
GOOD = CLASSES * TRAIN + len(CONVERTED)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return write_ilsvrc(tmp_path_factory.mktemp("ilsvrc"), CLASSES, TRAIN, VAL)


def wanted(archives, **options):
    options = {"shard_images": SHARD, "seed": 3} | options
    return Wanted(archives.train, archives.val, archives.devkit, **options)


@pytest.fixture(scope="module")
def made(archives, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "set"
    make_data(wanted(archives), out)
    return out


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stored(folder, split):
    """Published name, without its ending -> (label, JPEG)."""
    for path in sorted(folder.glob(f"{split}-*.tar")):
        with tarfile.open(path) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        for name, jpeg in files.items():
            if name.endswith(".jpg"):
                yield name[9:-4], (int(files[name[:-4] + ".cls"]), jpeg)


# -- what is made


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
        make_data(Wanted(tmp_path / source, archives.val, archives.devkit, **options), out)
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
    make_data(Wanted(train, hold_out=0.3, **options), tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    assert dataset.class_names == (wnid(0), "tench, Tinca tinca", wnid(2))
    assert np.bincount(dataset.labels("train", np.arange(21))).tolist() == [7, 7, 7]
    assert np.bincount(dataset.labels("test", np.arange(9))).tolist() == [3, 3, 3]
    train_names, test_names = (dict(stored(tmp_path / "set", s)) for s in ("train", "test"))
    assert len(train_names | test_names) == 30
    make_data(Wanted(train, hold_out=0.3, seed=1, **options), tmp_path / "other")
    assert set(dict(stored(tmp_path / "other", "test"))) != set(test_names)


# -- stopped and taken up again, by any number of workers


class StopAfter(Watcher):
    def __init__(self, images):
        self.left, self.done_before = images, None

    def planned(self, plan, done):
        self.done_before = done

    def made(self, images):
        self.left -= images
        if self.left < 0:
            raise KeyboardInterrupt


def test_two_workers_write_the_same_bytes(archives, made, tmp_path):
    make_data(wanted(archives, workers=2), tmp_path / "set")
    assert contents(tmp_path / "set") == contents(made)


def test_stopped_anywhere_it_goes_on_to_the_same_bytes(archives, made, tmp_path):
    out, done = tmp_path / "set", []
    for images in (0, 20, 33, 1, 1000):
        watcher = StopAfter(images)
        try:
            make_data(wanted(archives), out, watcher)
        except KeyboardInterrupt:
            assert not (out / "dataset.json").exists()
            assert not list(out.glob("*.partial"))
        done.append(watcher.done_before)
    assert done == [0, 0, 16, 48, 48]
    assert contents(out) == contents(made)


_KILLED = """
import os, signal, sys
from pathlib import Path
from convnet.make_data.make import Watcher, make_data
from convnet.make_data.wanted import Wanted

class Kill(Watcher):
    shards = 0
    def made(self, images):
        self.shards += 1
        if self.shards == 3:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    *sources, out = map(Path, sys.argv[1:])
    make_data(Wanted(*sources, shard_images=16, seed=3, workers=2), out, Kill())
"""


def test_killed_it_goes_on_to_the_same_bytes_and_its_workers_end(archives, made, tmp_path):
    script, out = tmp_path / "killed.py", tmp_path / "set"
    script.write_text(_KILLED)
    sources = [archives.train, archives.val, archives.devkit]
    process = subprocess.Popen([sys.executable, script, *sources, out], start_new_session=True)
    assert process.wait(120) == -signal.SIGKILL
    assert (out / "train-00001.tar").exists()
    assert not (out / "train-00003.tar").exists()
    _wait_until_gone(process.pid)
    make_data(wanted(archives), out)
    assert contents(out) == contents(made)


def _wait_until_gone(group):
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("workers outlived the process that started them")


def test_a_whole_set_is_left_as_it_is(archives, made):
    before = contents(made)
    (made / "making").mkdir()  # as if killed while this was being removed
    assert make_data(wanted(archives), made).images("train") == GOOD
    assert contents(made) == before
    with pytest.raises(DataError, match="begun with --seed 3, now it is 4; repeat"):
        make_data(wanted(archives, seed=4), made)


def test_what_was_begun_is_not_mixed_with_something_else(archives, tmp_path):
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        make_data(wanted(archives), out, StopAfter(20))
    with pytest.raises(DataError, match="begun with --shard-images 16, now it is 17"):
        make_data(wanted(archives, shard_images=17), out)
    tar = out / "train-00000.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole[:-512])
    with pytest.raises(DataError, match="train-00000.tar: is not as it was written; delete"):
        make_data(wanted(archives), out)
    tar.write_bytes(whole)
    before = os.stat(archives.val).st_mtime_ns
    os.utime(archives.val, ns=(before, before + 1))
    with pytest.raises(DataError, match="begun with --val .*img_val.tar"):
        make_data(wanted(archives), out)
    os.utime(archives.val, ns=(before, before))
    make_data(wanted(archives), out)
    with pytest.raises(DataError, match="is there and no data set begun by make-data"):
        make_data(wanted(archives), archives.train.parent)


def test_two_at_once_are_refused(archives, tmp_path):
    class Second(Watcher):
        def planned(self, plan, done):
            make_data(wanted(archives), tmp_path / "set")

    with pytest.raises(DataError, match="another make-data is writing to it"):
        make_data(wanted(archives), tmp_path / "set", Second())


def test_a_full_disk_is_told_before(archives, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 300_000})
    monkeypatch.setattr(write.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"0.0 GB free, .* takes about 0.0 GB; make room"):
        make_data(wanted(archives), tmp_path / "set")
    monkeypatch.undo()
    make_data(wanted(archives), tmp_path / "set")


# -- sources that do not fit together


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", 2, 2)


def refused(message, *sources, **options):
    out = Path(sources[0]).parent / "out"
    with pytest.raises(DataError, match=message):
        make_data(Wanted(*sources, **options), out)


def test_missing_parts_are_named(tree, archives):
    refused("no/such: there is no such file", Path("/no/such"), tree)
    refused("give --val .*or --hold-out", tree)
    refused("give --val .*or --hold-out", tree, tree, hold_out=0.5)
    refused("ILSVRC ids: give the --devkit", tree, tree, ground_truth=tree)
    refused("stand in the development kit: give --devkit", tree, tree, label_order="ilsvrc")
    refused(
        "ILSVRC2012_val_0.*JPEG: its class stands in the ground truth", archives.train, archives.val
    )
    refused("--hold-out 0.01 leaves no test images", tree, hold_out=0.01)


def test_strange_classes_are_named(tree, archives, tmp_path):
    refused(f"{wnid(2)}: no training images.*1 others.*archive whole", tree, tree, archives.devkit)
    more = write_tree(tmp_path / "more", 5, 1)
    refused(f"{wnid(4)}: has training images but is no class", more, more, archives.devkit)
    refused(f"{wnid(2)}/.*JPEG: is of no class that has training images", tree, more)
    (tree / "loose.jpg").write_bytes(encoded(picture(0)))
    refused("loose.jpg: lies in no folder or tar of a class", tree, tree)


def test_another_number_of_validation_images_is_named(archives, tmp_path):
    (tmp_path / "val").mkdir()
    for number in (1, 2, 4):
        name = f"ILSVRC2012_val_{number:08}.JPEG"
        (tmp_path / "val" / name).write_bytes(encoded(picture(0)))
    message = "3 images, and the ground truth is for images 1 to 20; is the archive whole"
    refused(message, archives.train, tmp_path / "val", archives.devkit)


def test_archives_that_cannot_be_read_in_place_are_named(archives, tree, tmp_path):
    path = tmp_path / "packed.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    refused("packed.tar.gz: is compressed, .*unpack the archive itself first .gzip -d", path, tree)
    path = tmp_path / "short.tar"
    whole = archives.train.read_bytes()
    path.write_bytes(whole[: whole.index(f"{wnid(3)}_5.JPEG".encode())])
    refused(rf"short.tar: .* at {wnid(3)}.tar in short.tar: the archive is cut short", path, tree)
    path.write_bytes(b"nothing of the kind" * 100)
    refused("short.tar: .* cut short or no tar", path, tree)
    path.write_bytes(tar_of({"a/readme.txt": b"x"}))
    refused("short.tar: no images found .a/readme.txt: not named as an image", path, tree)


def test_a_header_that_wants_memory_is_refused(tree, tmp_path):
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    path = tmp_path / "bomb.tar"
    with open(path, "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.truncate(1 << 34)  # a file with a hole: no disk is taken
    refused("bomb.tar: .*header of more than 1 MiB", path, tree)


def test_a_source_that_changes_ends_the_making(tree, tmp_path):
    class Cut(Watcher):
        def planned(self, plan, done):
            next(tree.glob("*/*.JPEG")).write_bytes(b"")

    with pytest.raises(DataError, match="JPEG: is shorter than it was"):
        make_data(Wanted(tree, hold_out=0.5), tmp_path / "out", Cut())


def test_nothing_but_broken_images(tmp_path):
    for name in ("train", "val"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "a" / "1.jpg").write_bytes(b"x")
    refused("none of the training images could be read", tmp_path / "train", tmp_path / "val")


# -- verifying


def damaged(made, folder, name, place=-2000, mask=1):
    for file, data in contents(made).items():
        if file == name:
            data = bytearray(data)
            data[place] ^= mask
        (folder / file).write_bytes(data)
    return verify(folder)[1]


def test_a_made_set_verifies(made):
    counted = []
    manifest, problems = verify(made, tell=counted.append)
    assert problems == []
    assert sum(counted) == manifest.images("train") + manifest.images("test")
    assert verify(made, workers=2)[1] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train-00001.tar", "train-00001.tar: its SHA-256 is not"),
        ("test-00000.tar", "test-00000.tar: its SHA-256 is not"),
        ("test-00001.idx.npy", "test-00001.idx.npy: its SHA-256 is not"),
        ("mean.npy", "mean.npy: is not the mean of the training images"),
    ],
)
def test_a_flipped_bit_is_found(made, tmp_path, name, message):
    place = -100 if name.endswith("idx.npy") else -2000
    problems = damaged(made, tmp_path, name, place)
    assert message in problems[0]


def test_damage_is_told_for_each_image(made, tmp_path):
    offset, length, _ = np.load(made / "train-00002.idx.npy")[5]
    problems = damaged(made, tmp_path, "train-00002.tar", offset, 255)
    assert len(problems) == 2
    assert "cannot be decoded" in problems[1]
    problems = damaged(made, tmp_path, "train-00002.tar", offset + length // 512 * 512 + 1024)
    assert any("label is no number" in p or "label is not the one" in p for p in problems)


def test_a_missing_shard_is_told(made, tmp_path):
    damaged(made, tmp_path, "")
    (tmp_path / "train-00000.tar").unlink()
    (tmp_path / "train-00001.idx.npy").unlink()
    problems = verify(tmp_path)[1]
    assert len(problems) == 2
    assert "train-00000.tar: cannot be read to its end" in problems[0]


# -- the command


def test_the_command(archives, made, tmp_path):
    sources = ["--train", archives.train, "--val", archives.val, "--devkit", archives.devkit]
    options = ["--shard-images", 16, "--seed", 3, "--workers", 1]
    result = good("make-data", *sources, *options, "--out", tmp_path / "set")
    assert contents(tmp_path / "set") == contents(made)
    assert f"{GOOD + 3} training and 20 test images of 4 classes; 1 workers" in result.stderr
    assert (
        "another number of training images than the development kit says: 1 (n01440764"
        in result.stderr
    )
    assert f"4 classes, {GOOD} training and 20 test images" in result.stdout
    assert "labels: sorted WordNet ids" in result.stdout
    assert "converted: cmyk: 1" in result.stdout
    result = good("make-data", "--verify", tmp_path / "set", "--workers", 1)
    assert "verified" in result.stdout
    damaged(made, tmp_path / "set", "train-00000.tar")
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
    assert "the same command goes on behind the last finished shard" in result.stderr


def test_alexnet_reads_a_made_set(made):
    """The shape and the labels that a network sees."""
    from convnet.data import Feed

    feed = Feed(open_dataset(made), "train", 8, side=224, seed=1)
    batch = feed.minibatch(0, 0)
    assert batch.matrices[0].shape == (3 * 224 * 224, 8)
    assert np.abs(batch.matrices[0].mean()) < 60
    assert io.BytesIO(open_dataset(made).encoded("train", [0])[0]).read(2) == b"\xff\xd8"
