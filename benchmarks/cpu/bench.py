"""The parts of the benchmark: rows of ratios, measured in processes that take turns."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial

import click

from benchmarks.cpu import elementwise, startup
from benchmarks.cpu.layers import COMPILED, calls_of, flops_of
from benchmarks.graphs import shipped_graph
from benchmarks.timing import Worker, WorkerError, compare, in_turn

RIVALS = ("eager", "channels_last", "compiled")
NETS = {
    "digits": (64, 25),
    "cifar10": (128, 5),
    "cifar10-norm": (128, 5),
    "alexnet-groups": (128, 3),
}
LAYERS = {"alexnet-layers": "alexnet-groups", "cifar10-layers": "cifar10-norm"}
PARTS = (*NETS, *LAYERS, "elementwise", "devices", "startup")
PACKAGES = ("numpy", "numba", "torch")


class Bench:
    """What the parts share: the threads, the rounds, and the machine's peak."""

    def __init__(self, threads=1, rounds=None, cases=None, only="", rivals=RIVALS):
        self.threads, self.rounds, self.cases, self.only = threads, rounds, cases, only
        self.rivals = rivals
        self.peak = 0.0  # operations a second of a large matrix product

    def worker(self, kind: str, net: str, cases: int) -> Worker:
        names = ("NUMBA", "OMP", "OPENBLAS", "MKL")
        env = {**os.environ, **{f"{name}_NUM_THREADS": str(self.threads) for name in names}}
        return Worker("benchmarks.cpu.worker", kind, net, str(cases), env=env)

    def measure_peak(self, workers: dict[str, Worker]) -> None:
        """The better of NumPy's and PyTorch's."""
        side = 2048
        seconds = min(worker.ask("product", side=side) for worker in workers.values())
        self.peak = max(self.peak, 2 * side**3 / seconds)

    def row(self, name: str, times: dict, flops: int = 0) -> dict:
        """A line of a table."""
        found = compare(times)
        rate = flops / found.ours
        return {
            "what": name,
            "ours, ms": 1e3 * found.ours,
            "theirs, ms": 1e3 * found.theirs,
            "ratio": found.ratio,
            "from": found.low,
            "to": found.high,
            "best of theirs": found.best,
            "GFLOP/s": rate / 1e9 if flops else None,
            "of peak": rate / self.peak if flops else None,
        }

    def net(self, name: str) -> list[dict]:
        """A network's training and test steps and phases, and the memory of a training."""
        cases, rounds = NETS[name]
        cases, rounds = self.cases or cases, self.rounds or rounds
        flops = 2 * cases * sum(node.layer.multiply_adds() for node in _products(name))
        with ExitStack() as stack:
            workers = {
                k: stack.enter_context(self.worker(k, name, cases)) for k in ("ours", *self.rivals)
            }
            self.measure_peak({k: workers[k] for k in ("ours", self.rivals[0])})
            steps = in_turn(_asked(workers, "step"), rounds)
            memory = {kind: worker.ask("memory") for kind, worker in workers.items()}
            best = compare(steps).best
            pair = {kind: workers[kind] for kind in ("ours", best)}
            phases = {kind: worker.ask("phases") for kind, worker in pair.items()}
            tests = in_turn(_asked(workers, "test"), rounds)
        rows = [self.row("training step", steps, 3 * flops), self.row("test", tests, flops)]
        rows += [
            self.row(phase, {kind: [found[phase]] for kind, found in phases.items()})
            for phase in phases["ours"]
        ]
        return [_with_memory(row, cases, memory, best) for row in rows]

    def layers(self, part: str) -> Iterator[dict]:
        """Each layer of a network alone, in each direction."""
        net = LAYERS[part]
        cases, rounds = self.cases or NETS[net][0], self.rounds or 3
        with self.worker("ours", net, cases) as ours, self.worker("eager", net, cases) as theirs:
            self.measure_peak({"ours": ours, "eager": theirs})
            for name, (node, direction) in calls_of(shipped_graph(net)).items():
                if self.only not in name:
                    continue
                times = in_turn(self._layer_rivals(ours, theirs, name, node), rounds)
                row = self.row(name, times, flops_of(node, direction, cases))
                click.echo(f"  {name}: {row['ratio']:.2f}", err=True)
                yield row

    def _layer_rivals(self, ours, theirs, name, node):
        rivals = {"ours": partial(ours.ask, "layer", call=name)}
        for kind in self.rivals:
            if kind != "compiled" or node.layer.type_name in COMPILED:
                options = {"channels_last": kind == "channels_last", "compiled": kind == "compiled"}
                rivals[kind] = partial(theirs.ask, "layer", call=name, **options)
        return rivals

    def elementwise(self) -> Iterator[dict]:
        """Each elementwise function alone, in each direction, on arrays of each size."""
        with self.worker("ours", "digits", 1) as ours, self.worker("eager", "digits", 1) as theirs:
            for name in elementwise.calls():
                if self.only not in name:
                    continue
                rivals = {
                    "ours": partial(ours.ask, "elementwise", call=name),
                    "eager": partial(theirs.ask, "elementwise", call=name),
                }
                if "compiled" in self.rivals and name.startswith(elementwise.COMPILED):
                    rivals["compiled"] = partial(rivals["eager"], compiled=True)
                row = self.row(name, in_turn(rivals, self.rounds or 5))
                click.echo(f"  {name}: {row['ratio']:.2f}", err=True)
                yield {key: row[key] for key in row if not key.endswith(("GFLOP/s", "peak"))}

    def devices(self) -> list[dict]:
        """What the two virtual devices of alexnet.cfg cost: the same layers on one and on two."""
        cases = self.cases or 128
        with (
            self.worker("ours", "alexnet", cases) as two,
            self.worker("ours", "alexnet:one", cases) as one,
        ):
            times = in_turn(_asked({"two devices": two, "one device": one}, "step"),
                            self.rounds or 3)  # fmt: skip
        found = compare(times)
        return [{"what": "alexnet, training step", "two devices, ms": 1e3 * found.ours,
                 "one device, ms": 1e3 * found.theirs, "one / two": found.ratio,
                 "from": found.low, "to": found.high}]  # fmt: skip

    def run(self, part: str) -> Iterable[dict]:
        if part in NETS:
            return self.net(part)
        if part in LAYERS:
            return self.layers(part)
        others = {
            "elementwise": self.elementwise,
            "devices": self.devices,
            "startup": startup.rows,
        }
        return others[part]()


def _asked(workers, what):
    """Functions that ask each worker for its time; those that cannot answer are left out."""
    found = {}
    for kind, worker in workers.items():
        try:
            worker.ask(what)
        except WorkerError as problem:
            click.echo(f"  {kind} is left out: {problem}", err=True)
        else:
            found[kind] = partial(worker.ask, what)
    return found


def _products(name):
    nodes = shipped_graph(name).nodes
    return [node for node in nodes if node.layer.type_name in ("conv", "fc")]


def _with_memory(row, cases, memory, best):
    seconds = row["ours, ms"] / 1e3
    is_whole = row["what"] in ("training step", "test")
    in_training = row["what"] == "training step"
    return row | {
        "images/s": cases / seconds if is_whole else None,
        "MB": memory["ours"] / 1e6 if in_training else None,
        "theirs, MB": memory[best] / 1e6 if in_training else None,
    }
