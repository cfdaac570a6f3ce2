"""Reading spec files: the text of a file, or a SpecError that says why it cannot be read."""

from pathlib import Path
from typing import NoReturn

from convnet.display import harmless
from convnet.errors import SpecError
from convnet.language.problems import Problem, did_you_mean
from convnet.language.source import Source
from convnet.stored.files import NotAFile, open_regular

# The largest published file has 30 kB; a file of a megabyte is some other file given by mistake.
MAX_BYTES = 1_000_000


def read_source(path: Path | str) -> Source:
    """Read a file: UTF-8 with or without byte-order mark, any line ends.

    Raises SpecError if the file cannot be read or is not a text file.
    """
    name = str(path)
    data = _read_bytes(Path(path), name)
    if b"\0" in data:
        _refuse(f"{harmless(name)}: is not a text file: it contains zero bytes")
    try:
        return Source.from_text(data.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} on line {line}"
        _refuse(f"{harmless(name)}: is not UTF-8 text ({found})", "save the file as UTF-8")


def _refuse(message: str, hint: str = "") -> NoReturn:
    raise SpecError([Problem(None, message, hint)])


def _read_bytes(path: Path, name: str) -> bytes:
    shown = harmless(name)
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except NotAFile as error:
        _refuse(f"{shown}: {error.strerror}")
    except FileNotFoundError:
        _refuse(f"{shown}: there is no such file", _similar_file(path))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(f"{shown}: cannot be read ({reason.lower()})")
    if len(data) > MAX_BYTES:
        _refuse(f"{shown}: is larger than {MAX_BYTES // 1_000_000} MB, too large for a spec file")
    return data


def _similar_file(path: Path) -> str:
    """Return a hint for a missing file: one of a similar name, or that there is no such folder."""
    if not path.parent.is_dir():
        return f"there is no folder {harmless(str(path.parent))}"
    try:
        names = [entry.name for entry in path.parent.iterdir() if not entry.is_dir()]
    except OSError:
        return ""
    return did_you_mean(path.name, names)
