"""Tells image files from others: by the ending of their names, or else by their first bytes."""

ENDINGS = (".jpeg", ".jpg", ".png", ".gif", ".bmp", ".webp", ".ppm", ".pgm", ".pbm", ".pnm")
HEAD = 16  # bytes that `is_image` needs
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")


def named_as_image(name: str) -> bool:
    """Return whether a name ends as those of images do, in any letter case."""
    return name.lower().endswith(ENDINGS)


def is_image(head: bytes) -> bool:
    """Return whether a file with these first `HEAD` bytes is a JPEG, PNG, GIF, BMP or WebP."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    is_bmp = head[:2] == b"BM" and head[6:10] == bytes(4)  # reserved bytes
    return head.startswith(_STARTS) or is_webp or (is_bmp and len(head) == HEAD)
