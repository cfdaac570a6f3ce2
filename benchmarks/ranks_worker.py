"""One side of `benchmarks.ranks`: `python -m benchmarks.ranks_worker NET CASES FILE`.

One process, or each rank of several (under mpiexec).  The first one answers requests on standard
input (see timing.serve); it writes their number to FILE, at which the others look now and then, so
that they take no time of the other side while they wait.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.cpu_worker import peak_memory
from benchmarks.graphs import shapes_of, shipped_graph
from benchmarks.timing import serve
from convnet.backends.cpu.engine import Engine
from convnet.distributed.engine import DistributedEngine
from convnet.distributed.group import Ranks
from convnet.distributed.placement import Placement
from convnet.distributed.session import join
from convnet.network.crossing import crossing_bytes
from convnet.network.network import Network

LOOK = 0.02  # seconds
STOP = -1


class Side:
    """A network on all processes of this side."""

    def __init__(self, name: str, cases: int, numbers: Path):
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


def main(name: str, cases: str, numbers: str) -> None:
    side = Side(name, int(cases), Path(numbers))
    if side.group.rank:
        side.follow()
        return
    serve({request: lambda r=request: side.call(r) for request in ("timed", "facts")})
    Path(numbers).write_text(str(STOP))


if __name__ == "__main__":
    main(*sys.argv[1:])
