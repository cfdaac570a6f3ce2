"""The confusion matrix of `convnet test`, written as a picture or as JSON."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from convnet.commands.output.output_files import (
    refuse_folder,
    refuse_picture,
    write_picture,
    writing,
)
from convnet.report.confusion import Confusion


def refuse_confusion(outs: Iterable[Path]) -> None:
    """Raise ConvnetError for a file that cannot be written, before the test begins."""
    for out in outs:
        (refuse_folder if _is_json(out) else refuse_picture)(out)


def write_confusion(confusion: Confusion, out: Path, tell: Callable[[str], object]) -> None:
    """Write the matrix in the form that the ending of the file name selects; tell where."""
    if not _is_json(out):
        write_picture(confusion.figure(), out, tell)
        return
    with writing(out) as temporary:
        temporary.write_text(json.dumps(confusion.facts()) + "\n", "utf-8")
    tell(f"{out}: {confusion.classes} classes")


def _is_json(out: Path) -> bool:
    return out.suffix.lower() == ".json"
