"""What worker processes do: read images from their byte ranges and convert them."""

import errno

from convnet.data.byte_range import UnreadableFile, read_byte_range
from convnet.data.pictures.listing import UNREADABLE
from convnet.data.pictures.sums import Sums
from convnet.make_data.picture import Jpeg, Picture, make_picture

# An image: its file, the offset and the number of its bytes.
Place = tuple[str, int, int]
_CHANGED = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)  # what a source that has gone answers
Made = tuple[list[tuple[bytes | None, str]], Sums]


def make_chunk(places: list[Place], form: Jpeg) -> Made:
    """Return (JPEG or None, remark) of each image, and the sums over the images.

    An image that cannot be read has a remark.  DataError if a file is shorter than it was when it
    was scanned, or no longer there: then its source was changed.
    """
    made, sums = [], Sums(form.side)
    for place in places:
        try:
            picture = make_picture(read_byte_range(*place), form)
        except UnreadableFile as problem:
            if problem.errno in _CHANGED:
                raise
            picture = Picture(None, f"{UNREADABLE}: {problem.strerror}")
        made.append((picture.jpeg, picture.remark))
        if picture.jpeg:
            sums.add(picture.pixels)
    return made, sums
