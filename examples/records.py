"""Records of experiments as JSON files, one record a line."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from convnet.stored.files import replacing

Record = TypeVar("Record")


def write_records(records: Iterable[Any], path: Path) -> None:
    """Write dataclasses."""
    lines = ",\n".join(json.dumps(asdict(record)) for record in records)
    with replacing(path) as temporary:
        temporary.write_text(f"[\n{lines}\n]\n", "utf-8")


def read_records(kind: type[Record], path: Path) -> list[Record]:
    """Return the dataclasses that `write_records` wrote; none if there is no such file."""
    if not path.is_file():
        return []
    return [kind(**entry) for entry in json.loads(path.read_text("utf-8"))]
