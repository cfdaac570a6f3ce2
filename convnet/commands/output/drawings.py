"""Drawings and plots that the commands write: as SVG, or as a picture in another format."""

from collections.abc import Callable
from pathlib import Path

from convnet.commands.output.console import result
from convnet.commands.output.output_files import (
    refuse_folder,
    refuse_picture,
    write_picture,
    writing,
)
from convnet.drawing import picture, svg
from convnet.drawing.scene import Scene
from convnet.drawing.style import Theme

_SVG = ".svg"


def refuse_drawing(out: Path) -> None:
    """Raise ConvnetError if a drawing of that name cannot be written, before the work begins."""
    (refuse_folder if _is_svg(out) else refuse_picture)(out)


def write_drawing(
    scene: Scene, out: Path, theme: Theme | None = None, tell: Callable[[str], None] = result
) -> None:
    """Write a scene in the format of its file name's ending, and print where with `tell`.

    theme: its colors; by default SVG follows the reader's preference, pictures are light.
    """
    if not _is_svg(out):
        write_picture(picture(scene, theme or "light"), out, tell=tell)
        return
    with writing(out) as temporary:
        temporary.write_text(svg(scene, theme), encoding="utf-8")
    tell(f"{out}: {scene.width:g}x{scene.height:g} pixels")


def _is_svg(out: Path) -> bool:
    return out.suffix.lower() == _SVG
