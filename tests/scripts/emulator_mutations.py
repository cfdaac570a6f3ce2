"""Inject defects, each into a copy of the sources; print a table of what finds them.

python -m tests.scripts.emulator_mutations [--kind host] [--part 1/4] [words of names]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.scripts.mutations.emulators import EMULATOR
from tests.scripts.mutations.host import HOST
from tests.scripts.mutations.kernels import KERNELS
from tests.scripts.mutations.record import Mutation
from tests.support.paths import ROOT

KINDS = {"kernels": KERNELS, "host": HOST, "emulator": EMULATOR}
COPIED = "convnet", "emulator", "tests", "benchmarks", "layers", "params"
FOLDER = Path(tempfile.gettempdir()) / "emulator-mutations"
FAILURES = "FAILED tests/", "ERROR tests/"  # of tests, and of what several share
SECONDS = 900  # of the tests of a defect


def copied(folder: Path) -> None:
    """Copy what the tests need; the path stays, so that compiled kernels are found again."""
    for name in COPIED:
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def inject(mutation: Mutation, folder: Path) -> None:
    """Replace the text, which must stand in the file once."""
    path = folder / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        found = text.count(mutation.old)
        raise SystemExit(f"{mutation.name}: {mutation.file} has the text {found} times, not once")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def same_digest(folder: Path) -> None:
    """Host code is no part of kernels: let all copies share one cache of compiled kernels."""
    path = folder / "convnet/compiling/kernel_cache.py"
    text = path.read_text(encoding="utf-8")
    last = "    return digest.hexdigest()[:16]\n"
    path.write_text(text.replace(last, '    return f"copy-of-{folder.name}"\n'), encoding="utf-8")


def found_by(mutation: Mutation, folder: Path) -> tuple[str, str]:
    """Run the tests; return "found", "SURVIVES", "no end" or "no test", and what was seen."""
    environment = {**os.environ, **mutation.environment, "PYTHONPATH": str(folder),
                   "CONVNET_GPU_TESTS": "1", "NUMBA_NUM_THREADS": "1",
                   "NUMBA_CACHE_DIR": str(folder / "cache")}  # fmt: skip
    plugin = ["-p", "emulator.pytest_plugin"] if mutation.emulated else []
    command = [sys.executable, "-m", "pytest", *plugin, "-n", "0", "-x", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, "--tb=line", *mutation.tests], cwd=folder, env=environment,
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "no end", f"not within {SECONDS} s"
    if done.returncode == 0:
        return "SURVIVES", ""
    failures = [line for line in done.stdout.splitlines() if line.startswith(FAILURES)]
    if done.returncode != 1 or not failures:
        return "no test", (done.stdout + done.stderr)[-600:]
    return "found", failures[0].partition(" ")[2][:150]


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--part", default="1/1", help="a share of them, as 2/4")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the copies")
    parser.add_argument("words", nargs="*", help="of the defects' names")
    asked = parser.parse_args(given)
    chosen = [(k, m) for k, all_ in KINDS.items() if asked.kind in (None, k) for m in all_
              if not asked.words or any(w in m.name for w in asked.words)]  # fmt: skip
    number, count = map(int, asked.part.split("/"))
    survivors, folder = 0, asked.folder / f"{number}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, mutation in chosen[number - 1 :: count]:
        started = time.monotonic()
        copied(folder)
        inject(mutation, folder)
        if kind != "kernels":
            same_digest(folder)
        verdict, seen = found_by(mutation, folder)
        survivors += verdict != "found"
        seconds = time.monotonic() - started
        print(f"{kind:9} {mutation.name:48} {verdict:9} {seconds:4.0f} s  {seen}", flush=True)
    print(f"{len(chosen[number - 1 :: count])} defects, {survivors} not found")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
