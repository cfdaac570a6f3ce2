"""A side of `benchmarks.ranks`: `python -m benchmarks.ranks_worker NET CASES FILE [LINK]`.

One process, or each rank of several (under mpiexec).  The first one answers requests on standard
input (see timing.serve); it writes their number to FILE, at which the others look now and then, so
that they take no time of the other side while they wait.  LINK: a latency in seconds and a
bandwidth in bytes a second, for predictions.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.cpu.worker import peak_memory
from benchmarks.graphs import shapes_of, shipped_graph
from benchmarks.scaling.from_plan import Link, measured_steps, tasks_of
from benchmarks.scaling.timeline import simulate
from benchmarks.timing import serve
from convnet.backends.cpu.engine import Engine
from convnet.distributed.engine import DistributedEngine
from convnet.distributed.group import Ranks
from convnet.distributed.placement import Placement
from convnet.distributed.session import join
from convnet.network.crossing import crossing_bytes
from convnet.network.network import Network

LOOK = 0.02  # seconds
REPEATS = 5
REQUESTS = "timed", "facts", "predicted"
STOP = -1


class Side:
    """A network on all processes of this side."""

    def __init__(self, name: str, cases: int, numbers: Path, link: Link):
        self.link = link
        self.group, self.numbers, self.asked = join(600.0), numbers, 0
        graph = shipped_graph(name)
        self.placement = Placement.of(graph.device_count, self.group.size)
        engine = Engine()
        if isinstance(self.group, Ranks):
            transport, waiting = self.group.transport, self.group.waiting
            engine = DistributedEngine(engine, transport, self.placement, waiting)
        self.network = Network(graph, cases, engine, seed=1)
        self.matrices = self._data(graph, cases)
        self.step()  # compiles

    def _data(self, graph, cases):
        shape, classes = shapes_of(graph)
        pixels = np.zeros((int(np.prod(shape)), cases), np.float32)
        rng = np.random.default_rng([1, self.group.rank])
        for first, end in self.network.cases_needed(cases):
            pixels[:, first:end] = rng.standard_normal((len(pixels), end - first), np.float32)
        labels = np.random.default_rng(2).integers(0, classes, (1, cases)).astype(np.float32)
        return {0: pixels, 1: labels}

    def step(self):
        self.network.load(self.matrices)
        self.network.set_rates(0.5)
        self.network.run("train")
        return self.network.costs()

    # -- requests, which all processes carry out ---------------------------------------------------

    def timed(self) -> dict:
        """Seconds of a step, and of each rank's waits in it."""
        waiting = getattr(self.group, "waiting", None)
        before = (waiting.seconds, waiting.sent) if waiting else (0.0, 0)
        started = time.perf_counter()
        self.step()
        seconds = time.perf_counter() - started
        found = [waiting.seconds - before[0], waiting.sent - before[1]] if waiting else [0.0, 0]
        found = self.group.all_values(found) if waiting else [found]
        waits, sent = zip(*found, strict=True)
        return {"seconds": seconds, "waits": waits, "sent": sent}

    def facts(self) -> dict:
        """Bytes that a step sends, and the memory of each rank."""
        plan, rank = self.network.plan, self.placement.rank_of
        sums = crossing_bytes(plan, rank)
        here = {"weights": 0, "velocity": 0, "peak": peak_memory()}
        for buffer in plan.buffers:
            if buffer.role in here and self.network.engine.has(buffer):
                here[buffer.role] += buffer.bytes(plan.capacity, 4)
        everywhere = self.group.all_values(here) if self.group.size > 1 else [here]
        return {"sent": sum(sum(kinds.values()) for kinds in sums.values()), "ranks": everywhere}

    def predicted(self) -> tuple[float, float]:
        """Seconds of a step on one rank and on two, simulated from the times of each step here."""
        network, plan = self.network, self.network.plan
        seconds = measured_steps(network, repeats=REPEATS)
        started = time.perf_counter()
        self.step()
        beside = max(0.0, time.perf_counter() - started - sum(seconds))  # loading, rates, costs
        found = []
        for ranks in (1, 2):
            place = Placement.of(max(ranks, 2), ranks).rank_of
            steps = plan.programs["train"]
            tasks = tasks_of(plan, steps, seconds, lambda d, p=place: p(d) or 0, self.link)
            found.append(simulate(tasks).seconds + beside / ranks)
        return found[0], found[1]

    def call(self, name: str):
        """Carry out a request on the first process, after telling the others."""
        self.asked += 1
        self.numbers.write_text(str(self.asked))
        self.group.share(name)
        return getattr(self, name)()

    def follow(self):
        """Carry out what the first process is asked for."""
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(LOOK)
            asked = self.numbers.read_text() if self.numbers.exists() else "0"
            if asked == str(STOP):
                return
            if asked not in ("", str(self.asked)):
                self.asked += 1
                getattr(self, self.group.share(None))()


def main(name: str, cases: str, numbers: str, link: str = "0 1") -> None:
    side = Side(name, int(cases), Path(numbers), Link(*map(float, link.split())))
    if side.group.rank:
        side.follow()
        return
    serve({request: lambda r=request: side.call(r) for request in REQUESTS})
    Path(numbers).write_text(str(STOP))


if __name__ == "__main__":
    main(*sys.argv[1:])
