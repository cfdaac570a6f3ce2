"""Opens a data set by a built-in name or by its folder."""

import difflib
from contextlib import contextmanager
from pathlib import Path

from convnet.data.dataset import Dataset
from convnet.data.datasets.batches_meta import meta_file
from convnet.data.datasets.cifar import Cifar, find_cifar
from convnet.data.datasets.cuda_convnet import CudaConvnetFolder, find_batches
from convnet.data.datasets.digits import Digits
from convnet.data.datasets.feature_files import is_feature_folder
from convnet.data.datasets.features import Features
from convnet.data.datasets.jpeg_batches import JpegBatches, holds_jpegs
from convnet.data.datasets.picture_folder import PictureFolder
from convnet.data.datasets.shard_folder import MANIFEST
from convnet.data.datasets.shards import Shards
from convnet.data.datasets.synthetic import Synthetic
from convnet.data.pictures.layout import has_pictures
from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.paths import user_path

BUILT_IN = {
    "digits": "1,797 real handwritten digits, 1x8x8, packaged with convnet",
    "shapes": "color images rendered on the fly, any size, 2 to 1,000 classes; "
    "shapes:side=40,train=2000 sets the side and the number of training images",
    "synthetic": "noise for timing; synthetic:1000x3x224x224 sets classes and size",
}
_FOLDERS = (
    "a data folder holds pictures in a folder for each class, "
    "CIFAR-10 or CIFAR-100 in the Python or binary version "
    "(test_batch, data_batch_1 ..., batches.meta, as unpacked from the archive), "
    "cuda-convnet's batches.meta and data_batch_<n>, the output of `convnet make-data`, or "
    "features written by `convnet test --write-features`"
)


def open_dataset(
    name: str | Path,
    *,
    side: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
    seed: int = 0,
    train_range: str | tuple[int, int] | None = None,
    test_range: str | tuple[int, int] | None = None,
    hold_out: float | None = None,
    workers: int = 1,
) -> Dataset:
    """Return the data set of that name: a built-in one (`BUILT_IN`) or a folder.

    `side`, `channels`, `classes` and `seed` apply to the generated sets, shapes and synthetic;
    stored sets have their own (of cuda-convnet's folders, `channels` decides where the number of
    values allows several).  `train_range` and `test_range` select data batches of
    cuda-convnet's folders ("1-5").  Of folders of pictures, `side` is the size that they are
    brought to, `hold_out` and `seed` choose test pictures, and `workers` processes read them the
    first time (`PictureFolder`).  DataError if there is no such set or it is damaged.
    """
    built_in = str(name).partition(":")[0]
    if not is_built_in(name):
        folder = user_path(name, home=True)
        with _readable(folder, str(name)):
            if _holds_pictures(folder):
                _refuse_ranges(name, train_range, test_range)
                return PictureFolder(folder, str(name), side, hold_out, seed, workers)
            _refuse_hold_out(name, hold_out)
            return _read_folder(folder, str(name), train_range, test_range, channels)
    _refuse_ranges(name, train_range, test_range)
    _refuse_hold_out(name, hold_out)
    if str(name) == "digits":
        return Digits()
    if built_in == "shapes":
        from convnet.data.datasets.shapes import Shapes  # on demand: it loads kernels

        sizes = {"side": side or 32, "classes": classes or 10, "channels": channels or 3}
        return Shapes(**sizes, seed=seed, name=str(name))
    if built_in == "synthetic":
        return Synthetic(str(name), classes or 10, channels or 3, side or 32, seed)
    shown = harmless(str(name))
    raise DataError(f"{shown}: the data set {built_in} has no parameters; write {built_in}")


@contextmanager
def _readable(folder, name):
    """Context that turns what the system refuses into a DataError.  DataError for no folder."""
    try:
        if not folder.is_dir():
            raise DataError(_not_found(folder, name))
        yield
    except OSError as problem:
        shown = harmless(str(problem.filename or name))
        raise DataError(f"{shown}: cannot be read: {problem.strerror}") from None


def _read_folder(folder, name, train_range, test_range, channels):
    if (folder / MANIFEST).is_file():
        _refuse_ranges(name, train_range, test_range)
        return Shards(folder, name)
    if is_feature_folder(folder):
        _refuse_ranges(name, train_range, test_range)
        return Features(folder, name)
    cifar = find_cifar(folder)
    if cifar:
        _refuse_ranges(name, train_range, test_range)
        return Cifar(*cifar, name)
    batches = find_batches(folder) if meta_file(folder) else None
    if batches and holds_jpegs(next(iter(batches.values()))):
        return JpegBatches(folder, name, train_range, test_range)
    if batches:
        return CudaConvnetFolder(folder, name, train_range, test_range, channels)
    raise DataError(f"{name}: the folder holds no known kind of data; {_FOLDERS}")


def is_built_in(name: str | Path) -> bool:
    """Return whether a data set of that name is a built-in one, not a folder."""
    return str(name).partition(":")[0] in BUILT_IN


def _holds_pictures(folder):
    """Return whether a folder is none of the other kinds, and has pictures."""
    known = (folder / MANIFEST).is_file() or is_feature_folder(folder) or find_cifar(folder)
    return not known and not meta_file(folder) and has_pictures(folder)


def _refuse_hold_out(name, hold_out):
    if hold_out is not None:
        raise DataError(
            f"{name}: has test images of its own; --hold-out is for folders of pictures"
        )


def _refuse_ranges(name, train_range, test_range):
    if train_range is not None or test_range is not None:
        raise DataError(
            f"{name}: its training and test sets are fixed; train and test ranges apply to "
            "cuda-convnet's folders of data_batch_<n>"
        )


def _not_found(folder, name):
    name = harmless(name)
    if folder.exists():
        return f"{name}: is a file; name the folder that contains it ({_FOLDERS})"
    close = difflib.get_close_matches(name.partition(":")[0].lower(), BUILT_IN, 1, 0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    names = ", ".join(BUILT_IN)
    return f"{name}: no built-in data set ({names}) and no folder of that name{hint} ({_FOLDERS})"
