"""The list of images that scanning archives or folders finds, before any image is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from convnet.data.pictures.image_files import is_image, named_as_image
from convnet.errors import DataError

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
    scratch      a folder for compressed tars of classes, which are unpacked there; None for none
    times        filled with when each image in a folder was modified, in nanoseconds, by its name;
                 None if nobody asks
    """

    on_found: Callable[[int], None] = lambda count: None
    sources: list[Path] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    place: str = ""
    scratch: Path | None = None
    times: dict[str, int] | None = None

    def add(self, entry: Entry, head: Callable[[], bytes] = bytes, time: int | None = None) -> None:
        """Add an image, or record why it is not one.  DataError if there are too many.

        head: returns the first bytes of the file; called if its name is not that of an image.
        time: when it was modified, if it is a file in a folder.
        """
        if not entry.name.isprintable() or "\ufffd" in entry.name:
            self.pass_over(entry.name, "its name is not printable")
        elif not named_as_image(entry.name) and not self._is_image(entry.name, head):
            return
        elif not 0 < entry.size <= LARGEST_FILE:
            self.pass_over(entry.name, f"has {entry.size:,} bytes")
        elif len(self.entries) >= MAX_IMAGES:
            raise DataError(f"{self.sources[entry.source]}: more than {MAX_IMAGES:,} images")
        else:
            self.entries.append(entry)
            if self.times is not None and time is not None:
                self.times[entry.name] = time
            if len(self.entries) % _REPORT_EVERY == 0:
                self.on_found(len(self.entries))

    def _is_image(self, name: str, head: Callable[[], bytes]) -> bool:
        """Return whether a file is an image by its first bytes; record it if not."""
        try:
            if is_image(head()):
                return True
            self.pass_over(name, "not named as an image")
        except OSError as problem:
            self.unreadable(name, problem.strerror)
        return False

    def next_unpacked(self) -> Path | None:
        """Return the path for the next tar to be unpacked; None if there is no place for any."""
        return self.scratch and self.scratch / f"{len(self.sources):06}.tar"

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
