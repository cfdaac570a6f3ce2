"""The file of results, and lines for the terminal.  It needs only Python."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.gpu.supervise import Ran

MOST_FAILURES = 6  # that are listed of a part; the file has all


def file_name(gpu: str) -> str:
    """Return a name such as nvidia-h200.json."""
    return re.sub(r"[^a-z0-9]+", "-", gpu.lower()).strip("-") + ".json"


def part_of(ran: Ran, versions: dict) -> dict:
    """Return a part as it is stored, with its own date and revision: parts may run separately."""
    counts = Counter(record["status"] for record in ran.records)
    return {
        "status": ran.status,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "convnet": versions.get("convnet"),
        "seconds": ran.seconds,
        "counts": dict(sorted(counts.items())),
        **({"note": ran.note} if ran.note else {}),
        "records": ran.records,
    }


def store(path: Path, gpu: str, versions: dict, parts: dict[str, dict]) -> dict:
    """Add parts to those of a file; return its content."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {
        "gpu": gpu,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "parts": {**known.get("parts", {}), **parts},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


# -- the terminal ------------------------------------------------------------------


def heading(parts: dict[str, dict]) -> list[str]:
    """Return a line for each part."""
    lines = []
    for name, part in parts.items():
        counts = ", ".join(f"{count} {status}" for status, count in part["counts"].items())
        lines.append(f"{name:10} {part['status']:12} {part['seconds']:6.1f} s  {counts}")
    return lines


def failures(name: str, part: dict) -> list[str]:
    """Return a line for each failure of a part."""
    bad = [record for record in part["records"] if record["status"] == "failed"]
    lines = [f"{name}: {part['note']}"] if part.get("note") else []
    for record in bad[:MOST_FAILURES]:
        lines.append(f"{name}: {record['name']}: {_first_line(record.get('error', ''))}")
    if len(bad) > MOST_FAILURES:
        lines.append(f"{name}: and {len(bad) - MOST_FAILURES} more, in the results' file")
    return lines


def _first_line(error: str) -> str:
    """The first line of an error; in pytest's reports the reason follows an E."""
    reasons = [line[1:].strip() for line in error.splitlines() if line.startswith("E  ")]
    return (reasons or error.strip().splitlines() or ["?"])[0][:200]
