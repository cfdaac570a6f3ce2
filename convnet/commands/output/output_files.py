"""Pictures and other files that the commands write, each replaced as a whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from convnet.commands.output.console import result
from convnet.display import harmless
from convnet.errors import ConvnetError
from convnet.stored.files import reason, replacing


def refuse_picture(out: Path) -> None:
    """Raise ConvnetError if a picture of that name cannot be written, before the work begins."""
    if out.suffix.lower() not in Image.registered_extensions():
        ending = f"'{harmless(out.suffix)}'" if out.suffix else "no ending"
        raise ConvnetError(f"{out}: {ending} names no format of pictures; .png is one")
    refuse_folder(out)


def refuse_folder(out: Path) -> None:
    """Raise ConvnetError if a file of that name is a folder."""
    if out.is_dir():
        raise ConvnetError(f"{out}: is a folder; give the name of a file")


def write_picture(picture: Image.Image, out: Path, tell: Callable[[str], object] = result) -> None:
    """Save a picture in the format of its file name's ending, and print where.

    tell: prints it; `note` where the result is JSON.  Raises ConvnetError if it cannot be written;
    a picture that was there then stays.
    """
    refuse_picture(out)
    with writing(out) as temporary:
        picture.save(temporary, Image.registered_extensions()[out.suffix.lower()])
    tell(f"{out}: {picture.width}x{picture.height} pixels")


@contextmanager
def writing(out: Path) -> Iterator[Path]:
    """Give a temporary path for a file to write, which then replaces `out`.

    Makes the folder.  Raises ConvnetError if it cannot be written; an earlier file then stays.
    """
    refuse_folder(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as temporary:
            yield temporary
    except (OSError, ValueError, KeyError) as error:
        raise ConvnetError(f"{out}: cannot be written ({reason(error)})") from None
