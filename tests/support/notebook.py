"""Run a notebook's code cells in a Python of their own, and see what they show.

As a module: `python -m tests.support.notebook NOTEBOOK FOLDER` runs it and writes what the cells
show to FOLDER, one file for each: pictures as .png, everything else as .txt.
"""

import ast
import json
import sys
from pathlib import Path


def code_cells(notebook: Path) -> list[str]:
    """Return the text of each code cell."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def show(value: object, path: Path) -> None:
    """Write what Jupyter would show of a cell's last value."""
    if hasattr(value, "_repr_png_"):
        path.with_suffix(".png").write_bytes(value._repr_png_())
    elif value is not None:
        path.with_suffix(".txt").write_text(repr(value), "utf-8")


def main(notebook: Path, folder: Path) -> None:
    names = {"__name__": "__main__"}
    for number, text in enumerate(code_cells(notebook)):
        tree = ast.parse(text, f"cell {number}")
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            show(value, folder / f"{number:02}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
