"""A data set made of small archives with the known troublemakers, for several tests."""

import tarfile

from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import CONVERTED

CLASSES, TRAIN, VAL, SHARD = 4, 12, 5, 16
GOOD = CLASSES * TRAIN + len(CONVERTED)


def wanted(archives, **options):
    options = {"shard_images": SHARD, "seed": 3} | options
    return MakeOptions(archives.train, archives.val, archives.devkit, **options)


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
