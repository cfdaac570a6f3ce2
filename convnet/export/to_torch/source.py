"""The text of pieces.py, by the names of its functions and classes."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PIECES = Path(__file__).with_name("pieces.py")


@cache
def pieces() -> dict[str, str]:
    """Return the source text of each function and class, in the order of the file."""
    text = _PIECES.read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.get_source_segment(text, node) or ""
    return found


def chosen(names: Iterable[str]) -> str:
    """Return the text of some pieces, and of those that they use, two lines between each."""
    known = pieces()
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _used(known[name]) & set(known)
    return "\n\n\n".join(text for name, text in known.items() if name in needed)


def _used(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
