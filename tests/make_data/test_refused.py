"""Archives and folders that cannot be read, or do not fit together."""

import tarfile
from pathlib import Path

import pytest

from convnet.errors import DataError
from convnet.make_data.make import Progress, make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import encoded, picture, tar_of, wnid, write_tree


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", 2, 2)


def refused(message, *sources, **options):
    out = Path(sources[0]).parent / "out"
    with pytest.raises(DataError, match=message):
        make_data(MakeOptions(*sources, **options), out)


def test_missing_parts_are_named(tree, archives):
    refused("no/such: no such file", Path("/no/such"), tree)
    refused("give --val .*or --hold-out", tree)
    refused("give --val .*or --hold-out", tree, tree, hold_out=0.5)
    refused("ILSVRC ids: also give the --devkit", tree, tree, ground_truth=tree)
    refused(
        "the development kit defines the ILSVRC ids: also give --devkit",
        tree,
        tree,
        label_order="ilsvrc",
    )
    refused(
        "ILSVRC2012_val_0.*JPEG: its class is in the ground truth", archives.train, archives.val
    )
    refused("--hold-out 0.01 leaves no test images", tree, hold_out=0.01)


def test_strange_classes_are_named(tree, archives, tmp_path):
    refused(
        f"{wnid(2)}: has no training images.*1 others.*archive complete",
        tree,
        tree,
        archives.devkit,
    )
    more = write_tree(tmp_path / "more", 5, 1)
    refused(f"{wnid(4)}: has training images but is not a class", more, more, archives.devkit)
    refused(f"{wnid(2)}/.*JPEG: its class has no training images", tree, more)
    (tree / "loose.jpg").write_bytes(encoded(picture(0)))
    refused("loose.jpg: is not in the folder or tar of a class", tree, tree)


def test_another_number_of_validation_images_is_named(archives, tmp_path):
    (tmp_path / "val").mkdir()
    for number in (1, 2, 4):
        name = f"ILSVRC2012_val_{number:08}.JPEG"
        (tmp_path / "val" / name).write_bytes(encoded(picture(0)))
    message = "3 images, but the ground truth is for images 1 to 20; is the archive complete"
    refused(message, archives.train, tmp_path / "val", archives.devkit)


def test_archives_that_cannot_be_read_in_place_are_named(archives, tree, tmp_path):
    path = tmp_path / "packed.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    refused(
        "packed.tar.gz: is compressed, .*decompress the archive itself first .gzip -d", path, tree
    )
    path = tmp_path / "short.tar"
    whole = archives.train.read_bytes()
    path.write_bytes(whole[: whole.index(f"{wnid(3)}_5.JPEG".encode())])
    refused(rf"short.tar: .* at {wnid(3)}.tar .*in short.tar: the archive is truncated", path, tree)
    path.write_bytes(b"nothing of the kind" * 100)
    refused("short.tar: .* truncated or not a tar", path, tree)
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
    class Cut(Progress):
        def planned(self, plan, done):
            next(tree.glob("*/*.JPEG")).write_bytes(b"")

    with pytest.raises(DataError, match="JPEG: is shorter than it was"):
        make_data(MakeOptions(tree, hold_out=0.5), tmp_path / "out", Cut())


def test_nothing_but_broken_images(tmp_path):
    for name in ("train", "val"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "a" / "1.jpg").write_bytes(b"x")
    refused("none of the training images could be read", tmp_path / "train", tmp_path / "val")
