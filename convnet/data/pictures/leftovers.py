"""Tells a person's images from what programs leave beside them."""

import re
from collections.abc import Sequence

LEFTOVER = "hidden, or left by a program"  # the remark on it

# Folders and files of operating systems, archivers, network drives and image viewers, in lower
# case.  Those whose names begin with a dot are hidden, so they need no entry.
_NAMES = {
    "$recycle.bin",
    "#recycle",
    "#snapshot",
    "@eadir",
    "@recently-snapshot",
    "@recycle",
    "@sharebin",
    "@tmp",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "icon\r",
    "lost+found",
    "network trash folder",
    "picasa.ini",
    "system volume information",
    "temporary items",
    "thevolumesettingsfolder",
    "thumbs.db",
    "thumbs.db:encryptable",
    "zbthumbnail.info",
}
_FOLDERS = re.compile(r"\..*|found\.\d{3}", re.DOTALL)
# Also backups of editors, locks of office programs and unfinished downloads.
_FILES = re.compile(
    r"\..*|.*~|~\$.*|#.*#|"
    r".*\.(bak|swp|swo|orig|tmp|temp|part|partial|crdownload|download|filepart)",
    re.DOTALL,
)


def is_leftover(path: Sequence[str], is_folder: bool = False) -> bool:
    """Return whether a path with these parts, in any letter case, is of no person's making.

    is_folder: whether the last part is a folder too.
    """
    names = [name.casefold() for name in path]
    folders, files = (names, []) if is_folder else (names[:-1], names[-1:])
    return (
        not _NAMES.isdisjoint(names)
        or any(map(_FOLDERS.fullmatch, folders))
        or any(map(_FILES.fullmatch, files))
    )
