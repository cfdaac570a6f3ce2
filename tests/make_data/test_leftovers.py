"""What programs leave beside a person's images is neither a class nor an image."""

import pytest

from convnet.data import open_dataset
from convnet.data.pictures.leftovers import is_leftover
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import encoded, picture, tar_of, wnid, write_tree

FOLDERS = (
    ".git",
    ".ipynb_checkpoints",
    ".thumbnails",
    "._AppleDouble",
    ".AppleDouble",
    "__MACOSX",
    "@eaDir",
    "@EADIR",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
    "found.000",
)
FILES = (
    ".hidden.jpg",
    "._n01440764_1.JPEG",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "1.jpg~",
    "#1.jpg#",
    "1.jpg.bak",
    ".1.jpg.swp",
)
OF_A_PERSON = (
    "cats",
    "n01440764",
    "tmp",
    "part",
    "a.b",
    "dogs.bak",
    "lost",
    "1.jpg",
    "~home",
    "#1",
)


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_of_programs(name):
    assert is_leftover([name], is_folder=True)
    assert is_leftover(["cats", name, "1.jpg"])


@pytest.mark.parametrize("name", FILES)
def test_files_of_programs(name):
    assert is_leftover([name])
    assert is_leftover(["cats", name])


@pytest.mark.parametrize("name", OF_A_PERSON)
def test_what_a_person_may_name_so(name):
    assert not is_leftover([name], is_folder=True)
    assert not is_leftover([name, "1.jpg"])
    assert not is_leftover([name, f"{name.removesuffix('.jpg')}.jpg"])


def litter(folder):
    """Leftovers that are images, beside the classes and in one of them; returns their paths."""
    places = [folder / name for name in FOLDERS]
    places += [folder / wnid(0) / name for name in FOLDERS]
    paths = []
    for place in places:
        place.mkdir()
        paths.append(place / "1.jpg")
    paths += [folder / name for name in FILES]
    paths += [folder / wnid(0) / name for name in FILES]
    for path in paths:
        path.write_bytes(encoded(picture(99)))
    return [path.relative_to(folder) for path in paths]


def in_tar(folder):
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    path = folder.with_suffix(".tar")
    path.write_bytes(tar_of(files))
    return path


@pytest.mark.parametrize("source", ["folder", "tar"])
def test_they_are_named_and_not_stored(tmp_path, source):
    tree = write_tree(tmp_path / "tree", 2, 4)
    litter(tree)
    train = tree if source == "folder" else in_tar(tree)
    make_data(MakeOptions(train, hold_out=0.5), tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    assert dataset.wnids == (wnid(0), wnid(1))
    assert (dataset.count("train"), dataset.count("test")) == (4, 4)
    lines = (tmp_path / "set" / "remarks.txt").read_text().splitlines()
    assert all(line.endswith("\tskipped\thidden, or left by a program") for line in lines)
    names = {line.split("\t")[1].removesuffix("/1.jpg") for line in lines}
    assert {*FOLDERS, *(f"{wnid(0)}/{name}" for name in FILES)} <= names


def test_tars_left_by_programs_are_no_classes(tmp_path):
    tars = {f"{wnid(0)}.tar": tar_of({"1.jpg": encoded(picture(1)), "2.jpg": encoded(picture(2))})}
    tars |= {f"._{wnid(0)}.tar": b"\0\5\x16\7no tar", f"__MACOSX/{wnid(1)}.tar": b"nor this"}
    (tmp_path / "train.tar").write_bytes(tar_of(tars))
    make_data(MakeOptions(tmp_path / "train.tar", hold_out=0.5), tmp_path / "set")
    assert open_dataset(tmp_path / "set").wnids == (wnid(0),)
