"""What images there are: the result of looking through archives or folders, before any is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from convnet.errors import DataError

IMAGE_ENDINGS = (".jpeg", ".jpg", ".png", ".gif", ".bmp", ".webp")
LARGEST_FILE = 256 << 20  # bytes of one image, as it is published
MOST_IMAGES = 100_000_000
_TELL_EVERY = 1000


class Entry(NamedTuple):
    """An image: class (or None) and file name, and where its bytes lie.

    source is a number in `Found.sources`; for a tar the image is `size` bytes at `offset`, for a
    folder the file `name` in it.
    """

    wnid: str | None
    name: str  # wnid/file, or file alone
    source: int
    offset: int
    size: int


@dataclass
class Found:
    """entries in no particular order; passed_over: names of what is no image, and why.

    place: the tar that is looked through at present.  tell(n): n images were found so far.
    """

    tell: Callable[[int], None] = lambda count: None
    sources: list[Path] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    place: str = ""

    def add(self, entry: Entry) -> None:
        """Keeps an image, or says why not."""
        if not entry.name.isprintable() or "\ufffd" in entry.name:
            self.pass_over(ascii(entry.name), "its name is not printable")
        elif not entry.name.lower().endswith(IMAGE_ENDINGS):
            self.pass_over(entry.name, "not named as an image")
        elif not 0 < entry.size <= LARGEST_FILE:
            self.pass_over(entry.name, f"has {entry.size:,} bytes")
        elif len(self.entries) >= MOST_IMAGES:
            raise DataError(f"{self.sources[entry.source]}: more than {MOST_IMAGES:,} images")
        else:
            self.entries.append(entry)
            if len(self.entries) % _TELL_EVERY == 0:
                self.tell(len(self.entries))

    def pass_over(self, name: str, why: str) -> None:
        self.passed_over.append((name, why))
