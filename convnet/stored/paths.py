"""Paths that users and files name: checked once, so that no later call fails on their form."""

import errno
import os
from pathlib import Path

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError
from convnet.stored.files import reason

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_SHOWN = 120  # characters of a path in a message


def user_path(
    text: str | os.PathLike[str], error: type[ConvnetError] = DataError, *, home: bool = False
) -> Path:
    """Return a path that the file system can be asked about; nothing need exist there.

    home: "~" and "~user" at its beginning stand for a home folder.  Raises `error` if there is no
    such user, if a name is too long, holds a zero byte or a character that no file name can hold,
    or if a folder on the way is closed to this user.
    """
    problem = path_problem(text, home=home)
    if problem:
        raise error(problem)
    return Path(text).expanduser() if home else Path(text)


def path_problem(text: str | os.PathLike[str], *, home: bool = False) -> str:
    """Return why `user_path` refuses a path, or ""."""
    name = str(text)
    if not name:
        return "the path is empty; a name was expected"
    try:
        path = Path(text).expanduser() if home else Path(text)
        os.stat(path)
    except RuntimeError:
        user = harmless(name.partition("/")[0])
        return f"{_shown(name)}: there is no home folder {user}; write the folder's whole path"
    except UnicodeError:
        return f"{_shown(name)}: holds a character that no file name can hold"
    except OSError as problem:
        if problem.errno not in _ABSENT:
            return f"{_shown(name)}: cannot be used ({reason(problem)})"
    except ValueError:
        return f"{_shown(name)}: holds a zero byte; a path of text was expected"
    return ""


def _shown(name: str) -> str:
    return harmless(name if len(name) <= _SHOWN else f"{name[: _SHOWN - 3]}...")
