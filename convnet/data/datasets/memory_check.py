"""Refuses a data set that is held in memory and does not fit in it, before it is read."""

import os
from collections.abc import Iterable
from pathlib import Path

from convnet.errors import DataError
from convnet.memory import machine_memory

_COPIES = 2  # the images of the files, and of the splits that they are joined to


def check_fits_memory(folder: Path, files: Iterable[Path]) -> None:
    """Raise a DataError if the files of a data set need more memory than this machine has."""
    memory = machine_memory()
    needed = _COPIES * sum(os.path.getsize(file) for file in files if file.is_file())
    if memory is not None and needed > memory:
        raise DataError(
            f"{folder}: its images need at least {needed / 1e9:,.1f} GB of memory, but this "
            f"machine has {memory / 1e9:,.1f} GB; use fewer data batches (--train-range and "
            "--test-range), or make a data set of JPEGs, which are read as needed "
            "(convnet make-data)"
        )
