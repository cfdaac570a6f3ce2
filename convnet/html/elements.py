"""HTML from text: everything that comes from a file is escaped here."""

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from typing import Any

from PIL import Image

from convnet.display import harmless


def text(value: object) -> str:
    """Return a value as HTML text, its control characters replaced."""
    return escape(harmless(str(value)))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, kind: str = "") -> str:
    """Return a table; kind: its class."""
    head = "".join(f"<th>{text(name)}</th>" for name in heads)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table class="{kind}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def section(title: str, *parts: str, name: str) -> str:
    """Return a section with a heading, or "" if it would be empty."""
    body = "\n".join(part for part in parts if part)
    return (
        f'<section id="{text(name)}">\n<h2>{text(title)}</h2>\n{body}\n</section>' if body else ""
    )


def folded(title: str, body: str) -> str:
    """Return a part with a title that a reader can fold."""
    return f"<details open><summary>{text(title)}</summary>\n{body}\n</details>"


def picture(image: Image.Image, words: str) -> str:
    """Return a picture as an element that holds its own pixels.  words: for those who see none."""
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{text(words)}" src="data:image/png;base64,{data}">'


def data(name: str, value: Any) -> str:
    """Return JSON for the page's script; no text in it can end the element."""
    content = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{content}</script>'


def text_block(value: str) -> str:
    """Return text of several lines as HTML text, its other control characters replaced."""
    return "\n".join(text(line) for line in value.splitlines())
