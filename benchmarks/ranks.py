"""Two ranks of one thread each beside one process of two threads: `python -m benchmarks.ranks`.

Both train the same network on 128 cases, in turn, step by step, on two cores: the paper's split and
a data-parallel network.  Prints the ratio of speeds, what a rank waits, the bytes that the plan
predicts and that were sent, and the memory of each rank.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.timing import Worker, in_turn

NETS = "alexnet", "alexnet-data-parallel"
RANKS, ROUNDS = 2, 5


class RankWorker(Worker):
    """The worker as several ranks of mpiexec."""

    def __init__(self, module: str, *arguments: str, ranks: int, env: dict):
        launcher = Path(sys.executable).with_name("mpiexec")
        name = str(launcher) if launcher.exists() else "mpiexec"
        self._prefix = [name, "-n", str(ranks)] if ranks > 1 else []
        pipe, command = subprocess.PIPE, [*self._prefix, sys.executable, "-m", module, *arguments]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranks", description=__doc__)
    parser.add_argument("--cases", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--nets", default=",".join(NETS))
    arguments = parser.parse_args()
    for net in arguments.nets.split(","):
        _compare(net, arguments.cases, arguments.rounds)


def _compare(net: str, cases: int, rounds: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {
            ranks: stack.enter_context(
                rank_worker(net, cases, ranks, RANKS // ranks, folder / str(ranks))
            )
            for ranks in (RANKS, 1)
        }
        steps: dict[int, list[dict]] = {ranks: [] for ranks in sides}

        def timed(ranks: int) -> float:
            steps[ranks].append(sides[ranks].ask("timed"))
            return steps[ranks][-1]["seconds"]

        times = in_turn({r: lambda r=r: timed(r) for r in sides}, rounds, slack=1e9)
        facts = {ranks: worker.ask("facts") for ranks, worker in sides.items()}
    ratios = [one / two for two, one in zip(times[RANKS], times[1], strict=True)]
    print(f"{net}, {cases} cases, {rounds} steps of each")
    print(f"  {RANKS} ranks of one thread    {median(times[RANKS]):7.3f} s a step")
    print(f"  one process of {RANKS} threads {median(times[1]):6.3f} s a step")
    print(f"  speed of the ranks / of the process: {_spread(ratios)}")
    for rank in range(RANKS):
        shares = [step["waits"][rank] / step["seconds"] for step in steps[RANKS]]
        print(f"  rank {rank} waits for the other: {_spread(shares, percent=True)} of the time")
    sent = [sum(step["sent"]) for step in steps[RANKS]]
    print(f"  bytes a step: {facts[RANKS]['sent']:,} predicted, {max(sent):,} sent")
    whole = facts[1]["ranks"][0]
    for rank, found in enumerate(facts[RANKS]["ranks"]):
        print(f"  rank {rank}: {_memory(found)}")
    print(f"  one process: {_memory(whole)}", flush=True)


def rank_worker(
    net: str, cases: int, ranks: int, threads: int, numbers: Path, *more: str
) -> RankWorker:
    """Start a side of so many ranks, each with so many threads.  more: further arguments."""
    env = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    arguments = net, str(cases), str(numbers), *more
    return RankWorker("benchmarks.ranks_worker", *arguments, ranks=ranks, env=env)


def _memory(found: dict) -> str:
    names = ("weights", "velocity", "peak")
    return ", ".join(f"{name} {found[name] / 1e6:,.0f} MB" for name in names)


def _spread(values: list[float], percent: bool = False) -> str:
    form = (lambda v: f"{v:.1%}") if percent else (lambda v: f"{v:.2f}")
    return f"{form(median(values))} ({form(min(values))} to {form(max(values))})"


if __name__ == "__main__":
    main()
