"""Layouts that images are found in: Tiny ImageNet's, compressed tars of classes, names without
endings."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
from PIL import Image

from convnet.data import open_dataset
from convnet.data.pictures.annotations import read_annotations
from convnet.data.pictures.image_files import is_image
from convnet.errors import DataError
from convnet.make_data import compressed
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import class_images, encoded, picture, wnid, write_tree


def tiny(folder, images=3):
    """Tiny ImageNet: two classes; `images` of each to train with, and four to test with."""
    for label in range(2):
        (folder / "train" / wnid(label) / "images").mkdir(parents=True)
        (folder / "train" / wnid(label) / f"{wnid(label)}_boxes.txt").write_text(
            "x\t0\t0\t62\t62\n"
        )
        for name, data in class_images(label, images).items():
            (folder / "train" / wnid(label) / "images" / name).write_bytes(data)
    (folder / "val" / "images").mkdir(parents=True)
    lines = []
    for i in range(4):
        (folder / "val" / "images" / f"val_{i}.JPEG").write_bytes(encoded(picture(900 + i)))
        lines.append(f"val_{i}.JPEG\t{wnid(i % 2)}\t0\t0\t62\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    return folder


def tarred(folder, path):
    """All files below `folder` in a tar, under the folder's own name."""
    with tarfile.open(path, "w") as tar:
        tar.add(folder, folder.name)
    return path


def made(out, **options):
    manifest = make_data(MakeOptions(**options), out)
    return manifest, open_dataset(out)


def remarks(out):
    return (out / "remarks.txt").read_text("utf-8")


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != "dataset.json"}


# -- Tiny ImageNet ---------------------------------------------------------------------------------


def test_tiny_imagenet(tmp_path):
    tiny(tmp_path)
    _, dataset = made(tmp_path / "set", train=tmp_path / "train", val=tmp_path / "val")
    assert dataset.class_names == (wnid(0), wnid(1))
    assert (dataset.count("train"), dataset.count("test")) == (6, 4)
    keys = [dataset.where("test", i).rpartition("_")[2][0] for i in range(4)]
    labels = dataset.labels("test", range(4)).tolist()
    assert sorted(zip(keys, labels, strict=True)) == [("0", 0), ("1", 1), ("2", 0), ("3", 1)]
    assert "val_" not in remarks(tmp_path / "set")


def test_tiny_imagenet_in_tars(tmp_path):
    tiny(tmp_path)
    made(tmp_path / "set", train=tmp_path / "train", val=tmp_path / "val", name="t")
    train, val = (tarred(tmp_path / split, tmp_path / f"{split}.tar") for split in ("train", "val"))
    made(tmp_path / "of_tars", train=train, val=val, name="t")
    mine, theirs = files(tmp_path / "set"), files(tmp_path / "of_tars")
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == theirs[name] for name in mine if name != "remarks.txt")


@pytest.mark.parametrize("in_tar", [False, True])
def test_images_and_annotations_that_do_not_fit(tmp_path, in_tar):
    tiny(tmp_path)
    val = tmp_path / "val"
    (val / "images" / "val_0.JPEG").rename(val / "images" / "other.JPEG")
    source = tarred(val, tmp_path / "val.tar") if in_tar else val
    _, dataset = made(tmp_path / "set", train=tmp_path / "train", val=source)
    assert dataset.count("test") == 3
    assert "images/other.JPEG\tskipped\thas no class in val_annotations.txt" in remarks(
        tmp_path / "set"
    )
    why = "unreadable: val_annotations.txt names it, but it is not there"
    assert f"images/val_0.JPEG\tskipped\t{why}" in remarks(tmp_path / "set")


def test_annotations_of_unknown_classes_are_refused(tmp_path):
    tiny(tmp_path)
    (tmp_path / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn99999999\t0\n")
    with pytest.raises(DataError, match="val_0.JPEG: its class has no training images"):
        made(tmp_path / "set", train=tmp_path / "train", val=tmp_path / "val")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"val_0.JPEG\tn1\n\nval_1.JPEG\n", r"file:3:1: is not a line of an image, a tab"),
        (b"val_0.JPEG\t\n", r"file:1:1: is not a line"),
        (b"\n", "file: names no images"),
        (b"x" * (65 << 20), "file: has more than 64 MiB"),
    ],
)
def test_damaged_annotations_are_named(text, message):
    with pytest.raises(DataError, match=message):
        read_annotations(text, "file")


# -- compressed tars of classes --------------------------------------------------------------------

COMPRESS = {".tar.gz": gzip.compress, ".TGZ": gzip.compress, ".tar.bz2": bz2.compress,
            ".tar.xz": lzma.compress}  # fmt: skip


def class_tar(label):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in class_images(label, 4).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


def folder_of_tars(folder, ending, compress):
    folder.mkdir()
    for label in range(2):
        (folder / f"{wnid(label)}{ending}").write_bytes(compress(class_tar(label)))
    return folder


def archive_of(folder, path):
    with tarfile.open(path, "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
    return path


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("in_archive", [False, True])
def test_compressed_tars_of_classes(tmp_path, ending, in_archive):
    tree = write_tree(tmp_path / "tree", 2, 4)
    made(tmp_path / "plain", train=tree, hold_out=0.25, name="t")
    source = folder_of_tars(tmp_path / "tars", ending, COMPRESS[ending])
    if in_archive:
        source = archive_of(source, tmp_path / "all.tar")
    made(tmp_path / "set", train=source, hold_out=0.25, name="t")
    mine, theirs = files(tmp_path / "plain"), files(tmp_path / "set")
    assert mine == theirs
    assert not (tmp_path / "set" / "making").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-20], "is damaged .Compressed file ended"),
        (lambda data: data[:40] + b"\xff" * 40 + data[80:], "is damaged .Error -3"),
        (lambda data: b"no gzip file", "is damaged .Not a gzipped file"),
        (lambda data: gzip.compress(b"x" * 600), r"invalid header .* in .*{0}.tar.gz: the archive"),
    ],
)
@pytest.mark.parametrize("in_archive", [False, True])
def test_damaged_compressed_tars_are_named(tmp_path, damage, message, in_archive):
    def broken(data):
        return damage(gzip.compress(data))

    source = folder_of_tars(tmp_path / "tars", ".tar.gz", broken)
    if in_archive:
        source = archive_of(source, tmp_path / "all.tar")
    with pytest.raises(DataError, match=f"{wnid(0)}.tar.gz: {message.format(wnid(0))}"):
        made(tmp_path / "set", train=source, hold_out=0.25)


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "_SMALL", 1 << 20)
    monkeypatch.setattr(compressed, "_CHUNK", 1 << 16)
    source = folder_of_tars(tmp_path / "t", ".tar.gz", lambda data: gzip.compress(bytes(1 << 30)))
    with pytest.raises(DataError, match=r"tar.gz: its .* bytes unpack to more than"):
        made(tmp_path / "set", train=source, hold_out=0.25)
    (unpacked,) = (tmp_path / "set").glob("*/unpacked/*")
    assert unpacked.stat().st_size < 1 << 29


# -- names -----------------------------------------------------------------------------------------


def test_images_without_an_ending(tmp_path):
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "noext").write_bytes(encoded(picture(1)))
    (tree / "a" / "photo.jpe").write_bytes(encoded(picture(2)))
    (tree / "a" / "3").write_bytes(encoded(picture(3), "PNG"))
    (tree / "a" / "notes").write_text("BMW: no picture at all")
    (tree / "a" / "empty").write_bytes(b"")
    _, dataset = made(tmp_path / "set", train=tree, hold_out=0.34, name="t")
    assert dataset.count("train") + dataset.count("test") == 3
    text = remarks(tmp_path / "set")
    assert "a/notes\tskipped\tnot named as an image" in text and "a/empty\tskipped" in text
    names = " ".join(
        dataset.where(s, i) for s in ("train", "test") for i in range(dataset.count(s))
    )
    assert "_noext" in names and "_photo" in names and "_3" in names
    made(tmp_path / "tarred", train=tarred(tree, tmp_path / "t.tar"), hold_out=0.34, name="t")
    mine, theirs = files(tmp_path / "set"), files(tmp_path / "tarred")
    assert all(mine[name] == theirs[name] for name in mine if name != "remarks.txt")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_the_first_bytes_of_images(form):
    data = encoded(Image.new("RGB", (8, 8)), form)
    assert is_image(data[:16])
    assert not is_image(b"x" + data[:15]) and not is_image(data[:1])
