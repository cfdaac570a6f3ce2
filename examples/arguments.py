"""Arguments and error messages that the commands of several experiments share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from convnet.errors import ConvnetError

FOLDER = click.Path(file_okay=False, path_type=Path)
SCALE = click.FloatRange(0, 1, min_open=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors that a user can meet into click's, which prints a line."""
    try:
        yield
    except ConvnetError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'a file'}: {error.strerror}") from None


def list_of(kind, known=None):
    """Return a click callback that splits a value at commas."""

    def split(_context, parameter, text):
        found = []
        for part in text.split(","):
            try:
                found.append(kind(part))
            except ValueError:
                raise click.BadParameter(f"{part!r} is no number; write 1,2,3") from None
        unknown = [part for part in found if known and part not in known]
        if unknown:
            raise click.BadParameter(f"there is no {unknown[0]!r}; known: {', '.join(known)}")
        return list(dict.fromkeys(found))

    return split
