"""Test steps beside ONNX Runtime and PyTorch: `python -m benchmarks.onnxruntime`.

Ours, ONNX Runtime with the network that `convnet export` wrote, and PyTorch with the module that it
wrote take turns, each in a process of its own on the same threads and images.  A test step is from
images in memory, in the layout that each side wants, to probabilities.  Times are medians over the
rounds; a ratio is their time / ours, the median of the pairs of the rounds, with its extremes.
"""

import math
import os
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import click
import numpy as np

from benchmarks.onnxruntime_worker import SIZES, write_network
from benchmarks.tables import add_results, machine, table
from benchmarks.timing import Worker, compare, in_turn

RESULTS = Path(__file__).parent / "results" / "onnxruntime.json"
RIVALS = {"ours": "convnet", "onnxruntime": "ONNX Runtime", "torch": "PyTorch"}
PACKAGES = ("numpy", "numba", "onnx", "onnxruntime", "torch")
CLOSE = 1e-4  # of the largest probability: what rounding makes of a network with random weights


def measured(net: str, sizes: tuple[int, ...], threads: int, rounds: int) -> list[dict]:
    """A row for each number of images.  RuntimeError if the sides do not agree."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_network(net, Path(folder))
        workers = {
            kind: stack.enter_context(_worker(kind, net, folder, threads)) for kind in RIVALS
        }
        _check(workers, min(sizes))
        return [_row(workers, cases, rounds) for cases in sizes]


def _worker(kind: str, net: str, folder: str, threads: int) -> Worker:
    names = ("NUMBA", "OMP", "OPENBLAS", "MKL")
    env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in names}}
    return Worker("benchmarks.onnxruntime_worker", kind, net, folder, str(threads), env=env)


def _check(workers: dict[str, Worker], cases: int) -> None:
    found = {kind: np.array(w.ask("probabilities", cases=cases)) for kind, w in workers.items()}
    for kind, theirs in found.items():
        difference = np.abs(theirs - found["ours"]).max()
        if not difference <= CLOSE * found["ours"].max():
            raise RuntimeError(f"{RIVALS[kind]}'s probabilities differ by {difference:.1e}")


def _row(workers: dict[str, Worker], cases: int, rounds: int) -> dict:
    asked = {kind: partial(w.ask, "step", cases=cases) for kind, w in workers.items()}
    times = in_turn(asked, rounds, slack=math.inf)
    runtime, torch = (compare({"ours": times["ours"], k: times[k]}) for k in list(RIVALS)[1:])
    return {
        "what": f"{cases} image{'s' if cases > 1 else ''}",
        **{f"{RIVALS[kind]}, ms": 1e3 * median(seconds) for kind, seconds in times.items()},
        "ONNX Runtime / convnet": runtime.ratio,
        "from": runtime.low,
        "to": runtime.high,
        "PyTorch / convnet": torch.ratio,
    }


@click.command(help=__doc__)
@click.option("--net", "nets", multiple=True, default=["alexnet"], show_default=True)
@click.option("--images", "sizes", multiple=True, type=int, default=SIZES, show_default=True)
@click.option("--threads", default=os.cpu_count() or 1, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(nets, sizes, threads, rounds, path):
    facts = machine(threads, PACKAGES)
    click.echo(f"{facts['processor']}, {threads} threads")
    for net in nets:
        rows = measured(net, sizes, threads, rounds)
        add_results(path, net, facts, rows)
        click.echo(f"\n{net}, test step\n{table(rows)}")


if __name__ == "__main__":
    main()
