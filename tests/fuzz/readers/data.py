"""Data batches, CIFAR in both versions, features, and the names of generated sets."""

import json
import pickle
from pathlib import Path
from random import Random

import numpy as np

from convnet.data import Feed, FeedOptions, open_dataset
from tests.fuzz.arrays import change_npy, npy
from tests.fuzz.bytes_of import NUMBERS, damage
from tests.fuzz.objects import change_json
from tests.fuzz.pickles import change_pickle
from tests.fuzz.reader import Reader, Tree
from tests.support.imagenet_archives import encoded, picture
from tests.support.python2_pickle import python2_pickle

NAMES = ["ant", "bee", "cow"]


def use(folder: Path) -> None:
    """Open a data set and use all that a run uses of it."""
    dataset = open_dataset(folder)
    text = dataset.describe() + "".join(dataset.class_names)
    text.encode("utf-8")
    dataset.mean_image()
    _ = dataset.color_pca if dataset.channels == 3 else None
    _ = dataset.tree
    for split in ("train", "test"):
        dataset.stored_batches(split)
        if dataset.count(split):
            first = np.arange(min(2, dataset.count(split)))
            dataset.labels(split, first)
            feed = Feed(dataset, split, 2, FeedOptions(side=dataset.side))
            feed.minibatch(0, 0)


def batch_seeds() -> list[Tree]:
    """Folders of cuda-convnet: of Python 2 and 3, colored and gray, with a tree and statistics."""
    rng = np.random.default_rng(2)
    found = []
    for protocol, side, channels in ((2, 4, 3), (0, 4, 1), (2, 6, 3)):
        values = side * side * channels
        meta = {
            "label_names": NAMES, "num_vis": values, "num_cases_per_batch": 5, "img_size": side,
            "data_mean": rng.random((values, 1)).astype(np.float32),
        }  # fmt: skip
        if channels == 3:
            meta["color_pca"] = (rng.random(3), rng.random((3, 3)))
            meta["tree"], meta["all_wnids"] = {3: [0, 4], 4: [1, 2]}, {"gproot": 3}
        write = python2_pickle if side == 4 else pickle.dumps
        tree = {"batches.meta": write(meta, protocol)}
        for number in (1, 2, 3):
            batch = {
                "data": rng.integers(0, 255, (values, 5), dtype=np.uint8),
                "labels": [0, 1, 2, 1, 0], "batch_label": "a batch",
            }  # fmt: skip
            tree[f"data_batch_{number}"] = write(batch, protocol)
        found.append(tree)
    return found


def jpeg_batch_seeds() -> list[Tree]:
    images = [encoded(picture(n).resize((32, 32)), quality=60) for n in range(4)]
    meta = {"label_names": NAMES, "img_size": 32, "num_vis": 3 * 32 * 32, "label_offset": 0}
    dictionary = {"data": images, "labels": [[0], [1], [2], [0]]}
    triple = (images, [(32, 32)] * 4, [("n01", 0), ("n02", 1), ("n03", 2), None])
    parts = {f"data_batch_{n}/data_batch_{n}.0": dictionary for n in (1, 2)}
    batches = [{f"data_batch_{n}": batch for n in (0, 1, 1000)} for batch in (dictionary, triple)]
    return [
        {name: python2_pickle(value, 2) for name, value in ({"batches.meta": meta} | tree).items()}
        for tree in (*batches, parts)
    ]


def cifar_seeds() -> list[Tree]:
    rng = np.random.default_rng(3)
    names = [f"class {n}" for n in range(10)]

    def batch():
        return {"data": rng.integers(0, 255, (2, 3072), dtype=np.uint8), "labels": [3, 9]}

    files = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    python = {name: pickle.dumps(batch(), 2) for name in files}
    python["batches.meta"] = pickle.dumps({"label_names": names, "num_vis": 3072}, 2)
    binary = {f"{name}.bin": bytes([4]) + rng.bytes(3072) for name in files}
    binary["batches.meta.txt"] = "\n".join(names).replace(" ", "-").encode()
    return [python, binary]


def feature_seeds() -> list[Tree]:
    rng = np.random.default_rng(4)
    meta = {
        "format": "convnet features 1", "layers": ["fc7"], "shapes": [[5, 1, 1]], "values": 5,
        "cases": {"train": 6, "test": 4}, "class_names": NAMES, "checkpoint": "run/1.0.safetensors",
        "dataset": {"name": "digits", "seed": 0},
    }  # fmt: skip
    tree = {"features.json": json.dumps(meta, indent=1).encode()}
    for split, cases in meta["cases"].items():
        tree[f"{split}.npy"] = npy(rng.random((cases, 5)).astype(np.float32))
        tree[f"{split}_labels.npy"] = npy(rng.integers(0, 3, cases))
        tree[f"{split}_indices.npy"] = npy(np.arange(cases))
    return [tree]


def name_seeds() -> list[Tree]:
    names = (
        "digits",
        "shapes:side=40,train=2000",
        "shapes:classes=7",
        "synthetic:10x3x32x32",
        "shapes",
    )
    return [{"name": name.encode()} for name in names]


def change_name(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    kind = rng.randrange(3)
    if kind:
        return damage(rng, data, others)
    number = str(rng.choice(NUMBERS)).encode()
    return (
        rng.choice(
            (b"shapes:side=%s", b"shapes:train=%s", b"synthetic:%sx3x8x8", b"synthetic:2x%sx8x8")
        )
        % number
    )


def read_name(folder: Path) -> None:
    path = folder / "name"
    text = path.read_text("utf-8", "surrogateescape") if path.is_file() else ""
    if "/" in text or text.startswith("~"):
        return  # only names, no paths
    open_dataset(text).describe()


PICKLES = {"*batch*": change_pickle, "*": damage}
READERS = (
    Reader("batches", batch_seeds, use, PICKLES, share=1.5),
    Reader("jpeg-batches", jpeg_batch_seeds, use, PICKLES),
    Reader("cifar", cifar_seeds, use, PICKLES, share=0.7),
    Reader("features", feature_seeds, use, {"*.json": change_json, "*.npy": change_npy}),
    Reader("data-name", name_seeds, read_name, {"*": change_name}, share=0.5),
)
