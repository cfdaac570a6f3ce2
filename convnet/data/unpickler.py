"""Reads the pickles that data sets are published in, without the power of pickle.

A pickle is a program.  `pickle_machine` runs the part of its language that builds numbers,
strings, lists, tuples, dictionaries and NumPy arrays of numbers; it imports nothing and calls
nothing that a file names.  Whatever else is found ends in a DataError.
"""

from pathlib import Path

from convnet.data.pickle_arrays import Unreadable
from convnet.data.pickle_machine import loads
from convnet.errors import DataError

_LARGEST_FILE = 8 << 30  # bytes; ten times the largest batch ever published in this form


def read_pickle(path) -> object:
    """The value pickled in a file, protocols 0 to 5, as Python 2 or 3 wrote it.

    Strings of Python 2 come back as bytes, except the keys of dictionaries, which are always str
    (or int).  Arrays are read-only.  Anything else raises a DataError that names the file.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path}: larger than {_LARGEST_FILE >> 30} GiB, so no data batch")
        return loads(path.read_bytes())
    except Unreadable as problem:
        raise DataError(
            f"{path}: {problem}; a data file is a pickle of arrays, numbers, strings, lists and "
            "dictionaries only, and nothing in this one was executed"
        ) from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None


def read_dictionary(path, *keys: str) -> dict:
    """The dictionary pickled in a file, which must have `keys`."""
    value = read_pickle(path)
    if type(value) is not dict:
        raise DataError(f"{path}: holds a {type(value).__name__}, not a dictionary")
    for key in keys:
        if key not in value:
            raise DataError(f"{path}: has no {key!r}; a file of this kind has {', '.join(keys)}")
    return value
