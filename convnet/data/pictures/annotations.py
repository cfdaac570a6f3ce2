"""Validation images that lie in one folder, with a file that names the class of each.

Tiny ImageNet has `val/images/val_0.JPEG` and `val/val_annotations.txt`, with lines of an image, its
WordNet id and a box, separated by tabs.
"""

from pathlib import Path

from convnet.errors import DataError

FILE = "val_annotations.txt"
IMAGES = "images"  # the folder beside it
LARGEST = 64 << 20  # bytes of the file


def read_annotations(data: bytes, source: object) -> dict[str, str]:
    """Return image -> WordNet id.  DataError, with the file, if a line has no two fields."""
    if len(data) > LARGEST:
        raise DataError(f"{source}: has more than {LARGEST >> 20} MiB, so not a list of images")
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip():
            continue
        if len(fields) < 2 or not fields[0].strip() or not fields[1].strip():
            raise DataError(
                f"{source}:{number}:1: is not a line of an image, a tab and its WordNet id"
            )
        found[fields[0].strip()] = fields[1].strip()
    if not found:
        raise DataError(f"{source}: names no images")
    return found


def folder_annotations(folder: Path) -> dict[str, str] | None:
    """Return image -> WordNet id if a folder is laid out in this way, else None.

    DataError as in `read_annotations`; OSError if the file cannot be read.
    """
    path = folder / FILE
    if not path.is_file() or not (folder / IMAGES).is_dir():
        return None
    with path.open("rb") as file:
        return read_annotations(file.read(LARGEST + 1), path)
