"""Colors of drawings and plots, for light and dark backgrounds.

The families' hues are those of Okabe and Ito ("Color Universal Design", 2008), which people with
any form of color vision can tell apart; the words in the boxes say the same.
"""

from typing import Literal

Theme = Literal["light", "dark"]

# For each role: fill and outline of a rectangle, or the color of a line or text (the second).
_LIGHT = {
    "paper": ("#ffffff", "#ffffff"),
    "column": ("#f5f6f8", "#d9dce1"),
    "data": ("#ececec", "#8a8f98"),
    "conv": ("#d3e7f6", "#0072b2"),
    "fc": ("#f3dcea", "#b0588c"),
    "pool": ("#d2efe6", "#009e73"),
    "norm": ("#fbe9c6", "#c98a00"),
    "cost": ("#f9d9c9", "#d55e00"),
    "other": ("#e6e6f2", "#6a6aa8"),
    "ink": ("", "#1f2329"),
    "faint": ("", "#5b626c"),
    "arrow": ("", "#4d545e"),
    "copy": ("", "#d55e00"),
    "shared": ("", "#6a6aa8"),
    "grid": ("", "#e3e6ea"),
    "frame": ("", "#8a8f98"),
    "line0": ("", "#0072b2"),
    "line1": ("", "#d55e00"),
    "line2": ("", "#009e73"),
    "line3": ("", "#4b2e83"),
    "line4": ("", "#56b4e9"),
    "line5": ("", "#1f2329"),
}
_DARK = {
    "paper": ("#15181c", "#15181c"),
    "column": ("#1d2126", "#363c45"),
    "data": ("#34383f", "#8a8f98"),
    "conv": ("#12364f", "#56b4e9"),
    "fc": ("#47263a", "#cc79a7"),
    "pool": ("#0f3d31", "#2fc79c"),
    "norm": ("#463510", "#e69f00"),
    "cost": ("#4f2a14", "#f08a4b"),
    "other": ("#2c2c4a", "#a3a3dc"),
    "ink": ("", "#eef0f3"),
    "faint": ("", "#b4bac3"),
    "arrow": ("", "#a7aeb8"),
    "copy": ("", "#f08a4b"),
    "shared": ("", "#a3a3dc"),
    "grid": ("", "#2b3038"),
    "frame": ("", "#6b7480"),
    "line0": ("", "#56b4e9"),
    "line1": ("", "#f08a4b"),
    "line2": ("", "#2fc79c"),
    "line3": ("", "#b03a7a"),
    "line4": ("", "#ffffff"),
    "line5": ("", "#8b4513"),
}
LINES = tuple(role for role in _LIGHT if role.startswith("line"))  # of the curves of a plot
ROLES = tuple(_LIGHT)


def fill(role: str, theme: Theme) -> str:
    """Return the color inside a rectangle of a role, as #rrggbb."""
    return (_DARK if theme == "dark" else _LIGHT)[role][0]


def ink(role: str, theme: Theme) -> str:
    """Return the color of a role's outline, line or text, as #rrggbb."""
    return (_DARK if theme == "dark" else _LIGHT)[role][1]
