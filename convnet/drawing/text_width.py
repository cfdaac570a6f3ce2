"""How wide text is, and text cut to a width."""

from functools import lru_cache

from PIL import ImageFont

from convnet.display import harmless

# A browser's fonts are wider than Pillow's own by up to this factor.
_MARGIN = 1.08
_BOLD = 1.06


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font of a size in pixels."""
    return ImageFont.load_default(size)


def fitted(text: str, size: int, width: float, *, bold: bool = False) -> str:
    """Return text safe to show, cut to a width in pixels with an ellipsis."""
    text = harmless(text)
    if width_of(text, size, bold) <= width:
        return text
    while text and width_of(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def width_of(text: str, size: int, bold: bool = False) -> float:
    """Return a bound of the width of text in pixels."""
    return font(size).getlength(text) * _MARGIN * (_BOLD if bold else 1)
