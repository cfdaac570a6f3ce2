"""`python -m tests.fuzz`: fuzzes readers for a given time and prints a table.

Failed inputs are saved in the folder --out, each with a file that says how it was made;
`--replay FOLDER` reads one again.  The exit code is 1 if an input failed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.loop import Loop, Result, save_failure
from tests.fuzz.reader import Inputs, Reader
from tests.fuzz.readers import READERS
from tests.fuzz.worker import FORM, Report
from tests.support.paths import ROOT

HANGS = 60  # seconds of an input after which the worker is ended
_ROW = "{:14}{:>12}{:>12}{:>10}{:>12}{:>12}{:>10}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of all readers together")
    parser.add_argument("--reader", action="append", choices=READERS, help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", help="of failures")
    parser.add_argument("--replay", type=Path, help="folder of a failure")
    arguments = parser.parse_args()
    if arguments.replay:
        return replay(arguments.replay)
    readers = [READERS[name] for name in arguments.reader or READERS]
    shares = sum(reader.share for reader in readers)
    print(
        _ROW.format(
            "reader", "inputs", "refused", "a second", "slowest, s", "memory, MB", "failures"
        )
    )
    found: list[tuple[Reader, Result]] = []
    for reader in readers:
        seconds = arguments.seconds * reader.share / shares
        found.append((reader, fuzz(reader, arguments.seed, seconds, arguments.out)))
    return report(found, arguments.out)


def fuzz(reader: Reader, seed: int, seconds: float, out: Path) -> Result:
    """Fuzz one reader and print its row."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{reader.name}-{seed}-*"):
        shutil.rmtree(old)
    total, started = Result(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        while (left := seconds - (time.monotonic() - started)) > 0:
            number = _worker(reader, seed, number, left, Path(folder), out, total)
            if number < 0:
                break
    spent = time.monotonic() - started
    for path in out.glob(f"{reader.name}-{seed}-*/failure.json"):
        total.failures[json.loads(path.read_text())["kind"]] += 1
    print(
        _ROW.format(
            reader.name, f"{total.tried:,}", f"{total.refused:,}", f"{total.tried / spent:,.0f}",
            f"{total.slowest:.2f}", f"{total.memory >> 20:,}", len(total.failures),
        ),
        flush=True,
    )  # fmt: skip
    return total


def _worker(reader, seed, first, seconds, folder, out, total) -> int:
    """Run a worker to its end; return the number to go on with, -1 if the time is over."""
    (folder / "report").write_bytes(bytes(200)[: max(200, len(FORM))])
    report = Report(folder / "report")
    words = [reader.name, seed, first, seconds, folder, out]
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", *map(str, words)],
            cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        at, since, hangs = 0, time.monotonic(), False
        while child.poll() is None:
            time.sleep(0.05)
            now = report.read()[0]
            if now != at:
                at, since = now, time.monotonic()
            elif time.monotonic() - since > HANGS:
                hangs = True
                child.kill()
    at, found = report.read()
    total.tried, total.refused = total.tried + found.tried, total.refused + found.refused
    total.slowest, total.memory = max(total.slowest, found.slowest), max(total.memory, found.memory)
    text = (folder / "log").read_text(errors="replace")
    if text.strip() and (at < 0 or first == 0):
        print(text[-2000:], file=sys.stderr)
    if child.returncode == 0:
        return -1
    total.tried += 1
    kind = "hangs" if hangs else f"ends the process ({child.returncode})"
    save_failure(out, folder / "in", Inputs(reader, seed), at, kind, text[-5000:])
    return max(at, first) + 1


def report(found: list[tuple[Reader, Result]], out: Path) -> int:
    """Print the failures and the sums; return the exit code."""
    kinds: Counter[str] = Counter()
    for reader, result in found:
        for kind, count in result.failures.items():
            kinds[f"{reader.name}: {kind}"] += count
    for kind in sorted(kinds):
        print(kind)
    slowest = max(result.slowest for _, result in found)
    memory = max(result.memory for _, result in found)
    tried = sum(result.tried for _, result in found)
    print(
        f"{tried:,} inputs, {len(kinds)} kinds of failures"
        f"{f' (in {out})' if kinds else ''}; "
        f"longest {slowest:.2f} s, most memory {memory >> 20:,} MB"
    )
    return 1 if kinds else 0


def replay(folder: Path) -> int:
    """Read a failed input again and print what happens."""
    facts = json.loads((folder / "failure.json").read_text())
    tree = {
        str(path.relative_to(folder / "in")): path.read_bytes()
        for path in sorted((folder / "in").rglob("*"))
        if path.is_file()
    }
    with tempfile.TemporaryDirectory() as place:
        loop = Loop(Inputs(READERS[facts["reader"]]), Path(place), Path(place) / "failures")
        problem = loop.one(0, tree)
        for trace in Path(place).glob("failures/*/traceback.txt"):
            print(trace.read_text())
    print(problem or "passes")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
