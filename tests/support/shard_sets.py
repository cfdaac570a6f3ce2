"""Small made data sets for the tests of what reads them."""

import numpy as np

from convnet.data import open_dataset
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import write_tree

CLASSES, TRAIN, TEST = 2, 15, 5  # images of each class


def made_set(folder):
    """The folder of a set of 30 training and 10 test images in several shards."""
    train = write_tree(folder / "train", CLASSES, TRAIN)
    val = write_tree(folder / "val", CLASSES, TEST, first=TRAIN)
    make_data(MakeOptions(train, val, shard_images=8), folder / "made")
    return folder / "made"


def damage(folder, split, index):
    """Let an image's bytes be something else; returns its key."""
    dataset = open_dataset(folder)
    where = dataset.where(split, index)
    table = np.concatenate([np.load(path) for path in sorted(folder.glob(f"{split}-*.idx.npy"))])
    shard = where.partition(":")[0]
    with open(shard, "r+b") as file:
        file.seek(table[index, 0])
        file.write(b"nothing that is an image")
    return where.partition("'")[2].partition("'")[0]
