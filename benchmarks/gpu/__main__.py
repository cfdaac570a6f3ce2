"""`make gpu`: run the parts one after the other, also after failures; print and store the results.

python -m benchmarks.gpu --parts smoke,cases
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.gpu import cases, packages, report, shown
from benchmarks.gpu.parts import NAMES, PARTS, WHOLE_SECONDS, chosen
from benchmarks.gpu.settings import REHEARSAL, ROOT
from benchmarks.gpu.supervise import QUIET_SECONDS, Ran, supervise
from benchmarks.gpu.versions import versions

WORK = ROOT / "build" / "gpu"  # records, logs, compiled kernels


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--parts", default="", help=f"some of {','.join(NAMES)}; all by default")
    parser.add_argument("--seconds", type=float, help="of each part, instead of its own limit")
    parser.add_argument("--cases", default="", metavar="TEXT", help="tests that pytest -k picks")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--list", action="store_true", help="list the parts and what they show")
    parser.add_argument("--rehearse", action="store_true", help="tiny, on an emulated GPU (slow)")
    found = parser.parse_args(given)
    try:
        found.parts = chosen(found.parts)
    except ValueError as error:
        parser.error(str(error))
    return found


def main(given: list[str] | None = None) -> int:
    asked = arguments(given)
    if asked.list:
        print("\n".join(f"{p.name:10} {p.seconds:4} s  {p.shows}" for p in PARTS))
        return 0
    packages.print_lacking(packages.lacking())
    made_with = versions(ROOT)
    if made_with["cuda_of_driver"] is None and not asked.rehearse:
        print("there is no NVIDIA driver here; --rehearse tries the parts without a GPU")
        return 1
    gpus = made_with["gpus"]
    gpu = gpus[0]["name"] if gpus else "rehearsal" if asked.rehearse else "gpu"
    path = asked.results / report.file_name(gpu)
    print(f"{gpu}; {', '.join(f'{k} {v}' for k, v in made_with.items() if k != 'gpus')}")
    found = run_parts(asked, made_with, lambda parts: report.store(path, gpu, made_with, parts))
    print(f"\n{path}")
    return 0 if all(part["status"] == "ok" for part in found.values()) else 1


def run_parts(
    asked: argparse.Namespace, made_with: dict, store: Callable[[dict], object]
) -> dict[str, dict]:
    """Run the parts and return their outcomes.

    store(parts): called after each part, so that an interruption loses nothing.
    """
    started, found = time.monotonic(), {}
    for part in asked.parts:
        left = WHOLE_SECONDS - (time.monotonic() - started)
        seconds = min(asked.seconds or part.seconds, left)
        if asked.rehearse:
            seconds = asked.seconds or 3600
        print(f"\n{part.name}: {part.shows}", flush=True)
        ran = run_part(part.name, seconds, asked) if seconds > 0 else Ran("out of time", 0.0, [])
        found[part.name] = report.part_of(ran, made_with)
        store(found)
        one = {part.name: found[part.name]}
        lines = [*report.heading(one), *report.failures(part.name, one[part.name])]
        print("\n".join(lines), flush=True)
    for text in shown.tables(found):
        print(f"\n{text}")
    print("\n" + "\n".join(report.heading(found)))
    return found


def run_part(name: str, seconds: float, asked: argparse.Namespace) -> Ran:
    WORK.mkdir(parents=True, exist_ok=True)
    for old in WORK.glob(f"{name}*.jsonl"):
        old.unlink()
    launcher = [sys.executable, *(["-m", "emulator"] if asked.rehearse else [])]
    if name == "cases":
        return cases.run(WORK, seconds, environment(asked.rehearse), launcher, asked.cases)
    lines = WORK / f"{name}.jsonl"
    command = [*launcher, "-m", "benchmarks.gpu.worker", name, str(lines)]
    quiet = seconds if asked.rehearse else QUIET_SECONDS
    return supervise(
        command, lines, seconds, quiet_seconds=quiet, environment=environment(asked.rehearse)
    )


def environment(rehearse: bool) -> dict[str, str]:
    """Return the environment of the parts' processes.

    The cache of compiled kernels belongs to one state of the sources: Numba checks the file of a
    kernel, but not the files of the functions that it calls.
    """
    found = {**os.environ, "NUMBA_CACHE_DIR": str(WORK / f"kernels-{sources()}")}
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    if rehearse:
        found[REHEARSAL] = "1"
    return found


def sources() -> str:
    """Return a hash of the sources of both backends."""
    found = hashlib.sha256()
    for path in sorted((ROOT / "convnet" / "backends").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
