"""The list of images that scanning archives or folders finds, before any image is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from convnet.errors import DataError

IMAGE_ENDINGS = (".jpeg", ".jpg", ".png", ".gif", ".bmp", ".webp", ".ppm", ".pgm", ".pbm", ".pnm")
LARGEST_FILE = 256 << 20  # bytes of one image, as it is published
MAX_IMAGES = 100_000_000
EMPTY = "a class without images"  # the remark on the folder or tar of a class
UNREADABLE = "unreadable"  # the kind of a remark on what could not be read
_REPORT_EVERY = 1000


class Entry(NamedTuple):
    """An image: its class, its file name, and where its bytes are.

    wnid          the WordNet id (or folder) of its class; None if it has none
    name          wnid/file, or file alone
    source        index in `Listing.sources`
    offset, size  the byte range in a tar; in a folder the image is the file `name`
    """

    wnid: str | None
    name: str
    source: int
    offset: int
    size: int


@dataclass
class Listing:
    """What a scan has found so far.

    on_found     called with the number of images found so far
    sources      the archives and folders
    entries      the images, in no particular order
    passed_over  name of each file that is not an image, and the reason
    place        the tar that is being scanned, for messages
    """

    on_found: Callable[[int], None] = lambda count: None
    sources: list[Path] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    place: str = ""

    def add(self, entry: Entry) -> None:
        """Add an image, or record why it is not one.  DataError if there are too many."""
        if not entry.name.isprintable() or "\ufffd" in entry.name:
            self.pass_over(entry.name, "its name is not printable")
        elif not entry.name.lower().endswith(IMAGE_ENDINGS):
            self.pass_over(entry.name, "not named as an image")
        elif not 0 < entry.size <= LARGEST_FILE:
            self.pass_over(entry.name, f"has {entry.size:,} bytes")
        elif len(self.entries) >= MAX_IMAGES:
            raise DataError(f"{self.sources[entry.source]}: more than {MAX_IMAGES:,} images")
        else:
            self.entries.append(entry)
            if len(self.entries) % _REPORT_EVERY == 0:
                self.on_found(len(self.entries))

    def empty_class(self, name: str, before: int) -> None:
        """Record the folder or tar of a class if no image was added to the `before` first ones."""
        if len(self.entries) == before:
            self.pass_over(name, EMPTY)

    def unreadable(self, name: str, why: str) -> None:
        """Record that something could not be read, so that images may be missing."""
        self.pass_over(name, f"{UNREADABLE}: {why}")

    def pass_over(self, name: str, why: str) -> None:
        """Record that a file is not an image, and the reason."""
        shown = name if name.isprintable() else ascii(name)[1:-1]
        self.passed_over.append((shown, why))
