"""Tables on the terminal and results in a JSON file, both of plain dictionaries."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

Cell = str | int | float | None


def table(rows: list[dict[str, Cell]]) -> str:
    """Rows with the same keys as aligned text: words to the left, numbers to the right."""
    heads = list(rows[0])
    cells = [[_text(row[head]) for head in heads] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    left = [all(isinstance(row[head], str) for row in rows) for head in heads]
    lines = []
    for line in [heads, *cells]:
        placed = [
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(line, widths, left, strict=True)
        ]
        lines.append("  ".join(placed).rstrip())
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _text(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def machine(threads: int, packages: tuple[str, ...]) -> dict[str, str | int]:
    """What the figures depend on: processor, threads, versions."""
    versions = {package: metadata.version(package) for package in packages}
    return {"processor": processor(), "cores": os.cpu_count() or 1, "threads": threads,
            "python": platform.python_version(), **versions}  # fmt: skip


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found = dict(reversed([line.split(":", 1) for line in lines if ":" in line]))
        fields = {key.strip(): value.strip() for key, value in found.items()}
        family = f"family {fields.get('cpu family')} model {fields.get('model')}"
        return f"{fields['model name']} ({family})"
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def add_results(path: Path, part: str, facts: dict, rows: list[dict[str, Cell]]) -> None:
    """Put rows of a part into a JSON file, in the place of those with the same `what`."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {row["what"]: row for row in known.get(part, [])}
    for row in rows:
        found[row["what"]] = {key: _rounded(value) for key, value in row.items()}
    known = {**known, "machine": facts, part: [*found.values()]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _rounded(value: Cell) -> Cell:
    return float(f"{value:.4g}") if isinstance(value, float) else value
