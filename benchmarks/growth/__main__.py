"""How a step grows with the work, beside PyTorch: `python -m benchmarks.growth`.

Time and peak memory of a training step and of a test step against the minibatch, the images' side,
the convolutions, their filters, virtual devices and threads; one of them grows at a time.  Measured
as `benchmarks.cpu` does, in processes that take turns, a process for each point.  Results go to
benchmarks/results/growth.json; then the tables and the picture of docs/growth.md are made from
them (alone with --draw).
"""

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.cpu.bench import PACKAGES, Bench
from benchmarks.growth.page import write_page
from benchmarks.tables import add_results, machine, table
from benchmarks.timing import compare, in_turn

RESULTS = Path(__file__).parents[1] / "results" / "growth.json"
NET = "cifar10-norm"
CORES = os.cpu_count() or 1
ROUNDS = 3


class Point(NamedTuple):
    """What is measured: a network (see benchmarks.graphs), its minibatch, and the threads."""

    net: str
    cases: int
    threads: int = CORES


def _powers(first: int, last: int) -> list[int]:
    return [2**n for n in range(first.bit_length() - 1, last.bit_length())]


AXES: dict[str, dict[int, Point]] = {
    "minibatch": {n: Point(NET, n) for n in _powers(1, 1024)},
    "minibatch-alexnet": {n: Point("alexnet-groups", n) for n in (1, 8, 32, 128)},
    "side": {n: Point(f"{NET}:side={n}", 32) for n in (12, 24, 48, 96)},
    "convolutions": {n: Point(f"{NET}:convs={n}", 128) for n in (3, 8, 16, 32)},
    "filters": {n: Point(f"{NET}:filters={n}", 32) for n in _powers(16, 256)},
    "devices": {n: Point(f"{NET}:devices={n}", 128) for n in (1, 2, 4)},
    "threads": {n: Point(NET, 128, n) for n in _powers(1, CORES)},
}


def rivals(axis: str, point: Point) -> dict[str, tuple[str, str]]:
    """Kind and network of the processes by name, ours first.

    PyTorch has no virtual devices: there the rival is one device.
    """
    found = {"ours": ("ours", point.net)}
    if axis == "devices":
        return found | {"one device": ("ours", NET)}
    return found | {kind: (kind, point.net) for kind in ("eager", "channels_last")}


def measure(axis: str, x: int, rounds: int = ROUNDS) -> dict:
    """A row: the least times of both programs, and the memory that a process held after each."""
    point, row = AXES[axis][x], {"what": str(x)}
    bench = Bench(threads=point.threads)
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(bench.worker(kind, net, point.cases))
            for name, (kind, net) in rivals(axis, point).items()
        }
        for program, ask in (("test", "test"), ("training", "step")):  # tests need less memory
            for worker in workers.values():
                worker.ask(ask)
            times = in_turn({name: partial(w.ask, ask) for name, w in workers.items()}, rounds)
            found = compare(times)
            memory = {name: workers[name].ask("memory") / 1e6 for name in ("ours", found.best)}
            row |= {
                f"{program}, ms": 1e3 * min(times["ours"]),
                f"{program} of theirs, ms": 1e3 * min(times[found.best]),
                f"{program} ratio": found.ratio,
                f"{program} from": found.low,
                f"{program} to": found.high,
                f"{program}, MB": memory["ours"],
                f"{program} of theirs, MB": memory[found.best],
            }
    return row


@click.command(help=__doc__)
@click.option("--axis", "axes", multiple=True, type=click.Choice(list(AXES)), default=list(AXES))
@click.option("--point", "points", multiple=True, type=int, help="Only these points of an axis.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Pairs of measurements.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--draw", is_flag=True, help="Measure nothing; tables and picture of what there is.")
def main(axes, points, rounds, path, draw):
    for axis in () if draw else axes:
        rows = []
        for x in points or AXES[axis]:
            rows.append(measure(axis, x, rounds))
            facts = machine(CORES, PACKAGES)
            add_results(path, axis, facts, rows[-1:])  # at once: a run may be cut off
            click.echo(f"  {axis} {x}: {rows[-1]['training ratio']:.2f}", err=True)
        click.echo(f"\n{axis}\n{table(rows)}")
    if path == RESULTS:
        write_page(path)


if __name__ == "__main__":
    main()
