"""The JPEG data batches of ImageNet that the original systems made (docs/dialect.md, 9.1).

cuda-convnet2: each `data_batch_<n>` is a folder of pickles `data_batch_<n>.<k>`, dictionaries of
`data` (JPEG files) and `labels`.  The 2012 source: a pickle of (JPEG files, sizes, labels), where a
label is a pair (WordNet id, index) or None.  Only the byte ranges of the images stay in memory.
"""

import math
import re
from pathlib import Path

import numpy as np

from convnet.data.byte_range import UNKNOWN_CRC
from convnet.data.dataset import Indices, check_split
from convnet.data.datasets.batches_meta import BatchesMeta
from convnet.data.datasets.cuda_convnet import Range, find_batches, split_batches
from convnet.data.datasets.value_checks import label_vector, whole
from convnet.data.encoded import EncodedDataset
from convnet.data.pickle.compressed import compression
from convnet.data.pickle.unpickler import read_pickle
from convnet.errors import DataError

_PART = re.compile(r"data_batch_\d+\.(\d+)")
_CHANNELS, _SIDE = 3, 256


def holds_jpegs(path: Path) -> bool:
    """Return whether a data batch holds JPEG files."""
    if path.is_dir():
        return True
    batch = read_pickle(path)
    return type(batch) is tuple or (type(batch) is dict and type(batch.get("data")) is list)


class JpegBatches(BatchesMeta, EncodedDataset):
    """A folder of data batches of JPEG files of 256x256 (or `img_size`).

    All files are read once to find the images and their labels.  Ranges are those of
    `CudaConvnetFolder`.
    """

    channels, converts = _CHANNELS, True

    def __init__(
        self,
        folder: Path,
        name: str,
        train_range: Range | None = None,
        test_range: Range | None = None,
    ):
        self.name = name
        self._read_meta(folder)
        self.class_names = self._names()
        if not self.class_names:
            raise DataError(f"{self._meta_path}: has no 'label_names', the names of the classes")
        self.side = self._stored_side()
        self._read_mean((_CHANNELS, self.side, self.side))
        batches = find_batches(folder)
        numbers = split_batches(folder, list(batches), train_range, test_range)
        self.files = [part for path in batches.values() for part in _parts(path)]
        read = {n: self._read(batches[n]) for n in dict.fromkeys(sum(numbers.values(), []))}
        self._sizes = {split: {n: len(read[n]) for n in numbers[split]} for split in numbers}
        self._table = {s: np.concatenate([read[n] for n in numbers[s]]) for s in numbers}

    def _stored_side(self) -> int:
        """The side of the images: as stated, or of their values, or of the mean image."""
        meta = self._meta
        values = meta.num_vis or np.size(() if meta.data_mean is None else meta.data_mean)
        side = math.isqrt(values // _CHANNELS)
        return meta.img_size or (side if side > 1 and _CHANNELS * side**2 == values else _SIDE)

    def count(self, split: str) -> int:
        check_split(split)
        return len(self._table[split])

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._table[split][indices, 3]

    def places(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        places = self._table[split][np.asarray(indices, np.int64), :3]
        return np.pad(places, ((0, 0), (0, 1)), constant_values=UNKNOWN_CRC)

    def where(self, split: str, index: int) -> str:
        """Return the file and offset of an image, for messages."""
        file, offset, _, _ = self._table[split][index].tolist()
        return f"{self.files[file]}: image at byte {offset:,}"

    def _read(self, batch):
        """Return file, offset, length and label of a data batch's images: int64 (images, 4)."""
        return np.concatenate([self._read_part(part) for part in _parts(batch)])

    def _read_part(self, path):
        jpegs, stored = _contents(path)
        labels = label_vector(path, stored, len(self.class_names), self._meta.label_offset or 0)
        if len(labels) != len(jpegs):
            raise DataError(f"{path}: has {len(jpegs)} images but {len(labels)} labels")
        file, places = self.files.index(path), _places(path, jpegs)
        rows = [(file, *place, label) for place, label in zip(places, labels, strict=True)]
        return np.array(rows, np.int64).reshape(-1, 4)


def _parts(batch):
    """Return the files of a data batch, in order."""
    if not batch.is_dir():
        return [batch]
    matches = ((_PART.fullmatch(path.name), path) for path in batch.iterdir())
    parts = sorted((int(match[1]), path) for match, path in matches if match)
    if not parts:
        raise DataError(f"{batch}: is a folder without files {batch.name}.0, {batch.name}.1, ...")
    return [path for _, path in parts]


def _contents(path):
    """Return the JPEG files in a pickle, and their labels as stored."""
    batch = read_pickle(path)
    if type(batch) is dict and {"data", "labels"} <= set(batch):
        jpegs, labels = batch["data"], batch["labels"]
    elif type(batch) is tuple and len(batch) == 3:
        jpegs, labels = batch[0], _indices(path, batch[2])
    else:
        raise DataError(f"{path}: holds neither 'data' and 'labels' nor (JPEGs, sizes, labels)")
    if type(jpegs) not in (list, tuple):
        raise DataError(f"{path}: its data is not a list of JPEG files")
    own: dict[int, bytes] = {}  # an object that is repeated stays one object
    return [own.setdefault(id(jpeg), _bytes(path, jpeg)) for jpeg in jpegs], labels


def _bytes(path, jpeg):
    """Return a JPEG file, which may be stored as an array of its bytes."""
    if isinstance(jpeg, np.ndarray) and jpeg.dtype.kind in "iu" and jpeg.dtype.itemsize == 1:
        return jpeg.tobytes()
    if type(jpeg) is not bytes or not jpeg:
        raise DataError(f"{path}: its data is not a list of JPEG files")
    return jpeg


def _indices(path, labels):
    if isinstance(labels, np.ndarray):
        return labels
    if type(labels) not in (list, tuple):
        raise DataError(f"{path}: its labels are not a list")
    return [_index(path, label) for label in labels]


def _index(path, label):
    if label is None:
        return 0
    if type(label) in (tuple, list) and len(label) == 2:
        return label[1]
    if type(whole(label)) is int:
        return label
    raise DataError(f"{path}: has a label that is not a pair of a WordNet id and an index")


def _places(path, jpegs):
    """Yield (offset, length) of each image in its file; an image may occur several times."""
    data, position, known = path.read_bytes(), 0, {}
    if compression(data):
        raise DataError(
            f"{path}: is compressed, but JPEG images are read from byte ranges of the file; "
            f"decompress the file itself first ({compression(data)})"
        )
    for jpeg in jpegs:
        offset = known.get(id(jpeg), -1)
        if offset < 0:
            offset = data.find(jpeg, position)
        if offset < 0:
            offset = data.find(jpeg)  # an object that the pickle mentions earlier
        if offset < 0:
            raise DataError(
                f"{path}: is a pickle of protocol 0, which does not store the bytes of images "
                "unchanged; write it again with protocol 2"
            )
        known[id(jpeg)] = offset
        yield offset, len(jpeg)
        position = max(position, offset + len(jpeg))
