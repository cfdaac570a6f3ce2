"""The simulator beside measurements, for one and two ranks: `python -m benchmarks.scaling.check`.

The times of a plan's steps are measured in one process of one thread, once alone and once while a
second such process runs on the other core, since two ranks of a machine share its memory.  From
these times, and a link's latency and bandwidth, the simulator predicts a training step on one rank
and on two; both are measured with `benchmarks.ranks_worker`.
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.ranks import NETS, rank_worker
from benchmarks.tables import processor, table

RANKS = 2


def main() -> None:
    """Measure, predict and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling.check", description=__doc__)
    parser.add_argument("--cases", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=5e-6, help="seconds of any message")
    parser.add_argument("--bandwidth", type=float, default=4e9, help="bytes a second, each way")
    given = parser.parse_args()
    link = f"{given.latency:g} {given.bandwidth:g}"
    rows = [row for net in NETS for row in _rows(net, given.cases, given.rounds, link)]
    print(f"{processor()}; messages of {given.latency * 1e6:g} us + bytes / "
          f"{given.bandwidth / 1e9:g} GB/s")  # fmt: skip
    print(table(rows))


def _rows(net: str, cases: int, rounds: int, link: str) -> list[dict]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def worker(ranks: int, name: str):
            return stack.enter_context(rank_worker(net, cases, ranks, 1, folder / name, link))

        alone, other = worker(1, "alone"), worker(1, "other")
        predicted = {1: alone.ask("predicted")[0]}
        with ThreadPoolExecutor(2) as pool:  # both at the same time
            both = list(pool.map(lambda each: each.ask("predicted"), (alone, other)))
        predicted[RANKS] = max(seconds[1] for seconds in both)
        measured = {1: _measured(alone, rounds)}
        measured[RANKS] = _measured(worker(RANKS, "ranks"), rounds)
    return [
        {
            "network": net,
            "ranks": ranks,
            "predicted, s": predicted[ranks],
            "measured, s": measured[ranks],
            "predicted / measured": predicted[ranks] / measured[ranks],
        }
        for ranks in (1, RANKS)
    ]


def _measured(worker, rounds: int) -> float:
    return median(worker.ask("timed")["seconds"] for _ in range(rounds))


if __name__ == "__main__":
    main()
