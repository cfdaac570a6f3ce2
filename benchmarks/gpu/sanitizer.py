"""Part "sanitizer": NVIDIA's compute-sanitizer on a few rows of the table of cases."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gpu.records import Failed, Skip
from benchmarks.gpu.settings import ROOT, Settings

TOOLS = ("memcheck", "racecheck", "initcheck")
SECONDS = 28  # of one tool
ROWS = (
    "conv: padding", "conv: groups", "fc", "pool: max", "cmrnorm: odd", "softmax",
    "logreg: fused", "sum2",
)  # fmt: skip
FOUND = re.compile(r"ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard")


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    for tool in TOOLS:
        yield tool, lambda t=tool: check(t)


def program() -> str | None:
    places = ["/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer"]
    path = os.pathsep.join([os.environ.get("PATH", ""), *places])
    return shutil.which("compute-sanitizer", path=path)


def check(tool: str) -> dict:
    """Run a tool; Failed if it finds an error, Skip if it is not done in time."""
    found = program()
    if found is None:
        raise Skip("compute-sanitizer is not installed; it comes with NVIDIA's CUDA toolkit")
    command = [found, "--tool", tool, sys.executable, "-m", f"{__package__}.{Path(__file__).stem}"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Skip(f"not done after {SECONDS} s") from None
    return judged(done.stdout + done.stderr, done.returncode)


def judged(output: str, code: int) -> dict:
    """Return the number of errors that a tool found; Failed with its report if there are any."""
    counts = [int(a or b) for a, b in FOUND.findall(output)]
    figures = {"errors": sum(counts), "rows": output.count("row done")}
    if not counts or sum(counts) or not figures["rows"]:
        shown = [line for line in output.splitlines() if "=========" in line][:12]
        raise Failed(f"code {code}: " + ("\n".join(shown) or output[-600:]), figures)
    return figures


def main() -> None:
    """Train the rows, as a process under a tool."""
    from convnet.backends.cuda.engine import Engine
    from tests.support.cases import BY_NAME
    from tests.support.cuda_rows import network_of, results

    for name in ROWS:
        for precision in ("fp32", "tf32"):
            results(network_of(BY_NAME[name], Engine((0,), precision, graphs=False)), "train")
        print("row done", flush=True)


if __name__ == "__main__":
    main()
