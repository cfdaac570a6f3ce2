"""What `convnet make-data` reads and writes: archives, the development kit, plans, made sets."""

import gzip
import json
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from convnet.data import open_dataset
from convnet.data.pictures.listing import Listing
from convnet.make_data.archives import scan_archive
from convnet.make_data.classes import read_words
from convnet.make_data.devkit import read_devkit, read_truth
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.plan import store, stored_plan
from convnet.make_data.planning import make_plan
from convnet.make_data.state import State
from convnet.make_data.write import carry_out
from tests.fuzz.archives import change_tar
from tests.fuzz.arrays import change_mat, change_npy
from tests.fuzz.bytes_of import damage
from tests.fuzz.objects import change_json
from tests.fuzz.reader import Reader, Tree
from tests.support.imagenet_archives import tar_of, write_ilsvrc, write_tree

_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"


def _contents(folder: Path) -> Tree:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def tar_seeds() -> list[Tree]:
    names = ("n01/a.JPEG", "n01/b.JPEG", "n02/c.JPEG", "loose.JPEG", "n02/readme.txt")
    small = {name: b"not decoded here" * 3 for name in names}
    inner = {f"n0{n}.tar": tar_of({f"n0{n}_1.JPEG": b"x" * 700}) for n in (1, 2)}
    return [{"images.tar": tar_of(small)}, {"images.tar": tar_of(inner, evil=True)}]


def read_tar(folder: Path) -> None:
    listing = Listing()
    scan_archive(folder / "images.tar", listing)
    for name, why in listing.passed_over:
        if not (name + why).isprintable():
            raise AssertionError(f"a name that is not printable: {name!a} {why!a}")


@cache
def _kit() -> tuple[bytes, Tree]:
    with tempfile.TemporaryDirectory() as folder:
        kit = write_ilsvrc(Path(folder), classes=2, train=1, val=1, trouble=False).devkit
        packed = kit.read_bytes()
        with tarfile.open(kit) as tar:
            tar.extractall(Path(folder) / "out", filter="data")
        return packed, _contents(Path(folder) / "out" / "devkit")


def devkit_seeds() -> list[Tree]:
    packed, _ = _kit()
    return [{"kit.tar.gz": packed}, {"kit.tar.gz": gzip.decompress(packed)}]


def mat_seeds() -> list[Tree]:
    tree = dict(_kit()[1])
    return [{name: tree[name] for name in ("data/meta.mat", _TRUTH)}]


def read_kit(folder: Path) -> None:
    kit = read_devkit(folder / "kit.tar.gz")
    [synset.words.encode("utf-8") for synset in kit.synsets]


def read_kit_folder(folder: Path) -> None:
    read_devkit(folder)


def text_seeds() -> list[Tree]:
    words = "n01440764 tench, Tinca tinca\nn01443537\tgoldfish\nn01484850 great white shark\n"
    return [{"words.txt": words.encode(), "truth.txt": b"1\n3\n2\n2\n"}]


def read_texts(folder: Path) -> None:
    words, truth = folder / "words.txt", folder / "truth.txt"
    for name, text in read_words(words).items() if words.is_file() else ():  # the caller looks
        if not text.isprintable():
            raise AssertionError(f"words of {name!a} that are not printable")
    if truth.is_file():
        read_truth(truth, 3)


@cache
def _stages() -> tuple[Tree, Tree]:
    """The folder of a made set, and of one that is being made."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = write_tree(folder / "train", 2, 2)
        options = MakeOptions(train, write_tree(folder / "val", 2, 1, first=2), shard_images=2)
        make_data(options, folder / "made")
        made = _contents(folder / "made")
        (folder / "half" / "making").mkdir(parents=True)
        plan = make_plan(options)
        store(plan, folder / "half" / "making")
        planned = [(split, number) for split, number, _ in plan.shards()]
        state = State(folder / "half", planned, 256)
        try:
            carry_out(plan, folder / "half", state, 1, _stop)
        except _Stopped:
            return made, _without_times(_contents(folder / "half"))
        raise AssertionError("the set was not stopped")


def _without_times(tree: Tree) -> Tree:
    """The same files wherever and whenever they are made."""
    plan = json.loads(tree["making/plan.json"])
    plan |= {"stamps": {"train": ["/train"]}, "sources": ["/train", "/val"]}
    return tree | {"making/plan.json": json.dumps(plan).encode()}


class _Stopped(Exception):
    pass


_calls: list[int] = []


def _stop(images: int) -> None:
    _calls.append(images)
    if len(_calls) > 1:
        raise _Stopped


def made_seeds() -> list[Tree]:
    return [_stages()[0]]


def half_made_seeds() -> list[Tree]:
    return [_stages()[1]]


def read_made(folder: Path) -> None:
    dataset = open_dataset(folder)
    dataset.describe()
    dataset.mean_image()
    _ = dataset.color_pca
    dataset.labels("train", np.arange(dataset.count("train")))
    for split in ("train", "test"):
        dataset.images(split, np.arange(min(1, dataset.count(split))))


def read_half_made(folder: Path) -> None:
    plan = stored_plan(folder / "making")
    if plan is not None:
        planned = [(split, number) for split, number, _ in plan.shards()]
        state = State(folder, planned, 256)
        for split, number, images in plan.shards()[state.finished :]:
            for image in images:
                plan.place(split, image)
                plan.parts[split].label(image)
            _ = number


MADE = {"*.json": change_json, "*.npy": change_npy, "*.tar": change_tar, "*": damage}
READERS = (
    Reader("tar", tar_seeds, read_tar, {"*": change_tar}, share=2),
    Reader("devkit", devkit_seeds, read_kit, {"*": change_tar}, share=0.7),
    Reader("mat", mat_seeds, read_kit_folder, {"*.mat": change_mat}),
    Reader("texts", text_seeds, read_texts, share=1.5),
    Reader("made-set", made_seeds, read_made, MADE),
    Reader("half-made-set", half_made_seeds, read_half_made, MADE, share=0.7),
)
