"""The JPEG data batches of ImageNet that the original systems made (docs/dialect.md, 9.1).

cuda-convnet2: each `data_batch_<n>` is a folder of pickles `data_batch_<n>.<k>`, dictionaries of
`data` (JPEG files) and `labels`.  The 2012 source: a pickle of (JPEG files, sizes, labels), where a
label is a pair (WordNet id, index) or None.  Only the byte ranges of the images stay in memory.
"""

import re
from pathlib import Path

import numpy as np

from convnet.data.byte_range import UNKNOWN_CRC
from convnet.data.dataset import Indices, check_split
from convnet.data.datasets.batches_meta import BatchesMeta
from convnet.data.datasets.cuda_convnet import Range, find_batches, split_batches
from convnet.data.datasets.value_checks import class_names, label_vector
from convnet.data.encoded import EncodedDataset
from convnet.data.pickle.unpickler import read_dictionary, read_pickle
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
        self._meta_path = folder / "batches.meta"
        self._meta = read_dictionary(self._meta_path, "label_names")
        self.class_names = class_names(self._meta_path, self._meta["label_names"])
        self.side = _number(self._meta_path, self._meta, "img_size", _SIDE)
        self._offset = _number(self._meta_path, self._meta, "label_offset", 0)
        batches = find_batches(folder)
        numbers = split_batches(folder, list(batches), train_range, test_range)
        self.files = [part for path in batches.values() for part in _parts(path)]
        read = {n: self._read(batches[n]) for n in dict.fromkeys(sum(numbers.values(), []))}
        self._sizes = {split: {n: len(read[n]) for n in numbers[split]} for split in numbers}
        self._table = {s: np.concatenate([read[n] for n in numbers[s]]) for s in numbers}

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
        labels = label_vector(path, _shifted(stored, self._offset), len(self.class_names))
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
        jpegs, labels = batch[0], [_index(path, label) for label in batch[2]]
    else:
        raise DataError(f"{path}: holds neither 'data' and 'labels' nor (JPEGs, sizes, labels)")
    if type(jpegs) is not list or not all(type(jpeg) is bytes for jpeg in jpegs):
        raise DataError(f"{path}: its data is not a list of JPEG files")
    return jpegs, labels


def _index(path, label):
    if label is None:
        return 0
    if type(label) is not tuple or len(label) != 2:
        raise DataError(f"{path}: has a label that is not a pair of a WordNet id and an index")
    return label[1]


def _shifted(labels, offset):
    """Return labels counted from 0; those of the 2012 source are stored with an offset."""
    return [label + offset for label in labels] if offset else labels


def _places(path, jpegs):
    """Yield (offset, length) of each image in its file, where they lie in order."""
    data, position = path.read_bytes(), 0
    for jpeg in jpegs:
        offset = data.find(jpeg, position)
        if offset < 0:
            raise DataError(
                f"{path}: is a pickle of protocol 0, which does not store the bytes of images "
                "unchanged; write it again with protocol 2"
            )
        yield offset, len(jpeg)
        position = offset + len(jpeg)


def _number(path, meta, key, default):
    value = meta.get(key, default)
    if type(value) is not int or not 0 <= value < 1 << 20:
        raise DataError(f"{path}: {key} is not an integer >= 0")
    return value
