"""One process that is timed: `python -m benchmarks.cpu.worker KIND NET CASES`.

KIND: ours, eager, channels_last or compiled.  NET: a network of layers/, and changes of it behind
colons (see graphs).  Answers requests on standard input (see timing.serve).
"""

import re
import sys
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.cpu.elementwise import our_elementwise
from benchmarks.cpu.layers import calls_of, our_call
from benchmarks.graphs import shapes_of, shipped_graph
from benchmarks.timing import seconds_of, serve

PHASES = ("forward", "backward", "update")
LEAST = 0.1  # seconds of a measurement


def measured(call) -> float:
    """The least time of as many calls as LEAST has room for, one at least."""
    once = seconds_of(call)
    return min(once, seconds_of(call, max(1, min(30, int(LEAST / once)))))


def peak_memory() -> int:
    """The most bytes of memory this process has held so far."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def data(graph, cases):
    """Images (values, cases) and labels (1, cases), float32."""
    shape, classes = shapes_of(graph)
    rng = np.random.default_rng(5)
    images = rng.standard_normal((int(np.prod(shape)), cases), np.float32)
    return images, rng.integers(0, classes, (1, cases)).astype(np.float32)


class Ours:
    """Our engine.  only_tests: a network as `convnet test` makes it."""

    def __init__(self, graph, cases, only_tests=False):
        from convnet.backends.cpu.engine import Engine
        from convnet.network.network import Network

        self.graph, self.cases = graph, cases
        self.network = Network(graph, cases, Engine(), only_tests=only_tests)
        self.matrices = dict(enumerate(data(graph, cases)))
        self.network.load(self.matrices)
        if not only_tests:
            self.network.set_rates(0.0)

    def train(self):
        self.network.load(self.matrices)
        self.network.set_rates(0.0)
        self.network.run("train")
        return self.network.costs()

    def test(self):
        self.network.load(self.matrices)
        self.network.run("test")
        return self.network.costs()

    @cache  # noqa: B019
    def _phase(self, phase):
        steps = [s for s in self.network.plan.programs["train"] if s.phase == phase]
        return self.network.engine.program(steps, self.network.sizes)

    def phase(self, phase):
        self._phase(phase).run()


class Theirs:
    """PyTorch: eager in its own memory format or channels_last, or compiled in the latter."""

    def __init__(self, graph, cases, kind):
        import torch

        from benchmarks.pytorch.nets import TorchNet, mean_cost

        layout = torch.contiguous_format if kind == "eager" else torch.channels_last
        self.torch, self.net = torch, TorchNet(graph).to(memory_format=layout)
        images, labels = data(graph, cases)
        shape, _ = shapes_of(graph)
        images = torch.from_numpy(np.ascontiguousarray(images.T)).reshape(cases, *shape)
        self.images = self.net.padded(images).contiguous(memory_format=layout)
        self.labels = torch.from_numpy(labels[0]).long()
        self.optimizer = self.net.optimizer()
        self._cost = lambda: mean_cost(self.net(self.images), self.labels)
        self.cost = torch.compile(self._cost) if kind == "compiled" else self._cost
        self.found = None

    def train(self):
        for phase in PHASES:
            self.phase(phase)
        return self.found.item()

    def test(self):
        self.net.eval()
        with self.torch.no_grad():
            found = self.cost().item()
        self.net.train()
        return found

    def phase(self, phase):
        if phase == "forward":
            self.found = self.cost()
        elif phase == "backward":
            self.optimizer.zero_grad()
            self.found.backward()
        else:
            self.optimizer.step()


class Server:
    """Answers for one network."""

    def __init__(self, kind, name, cases):
        self.kind, self.cases, self.name = kind, cases, name
        self.graph = shipped_graph(name)
        self._call = None, None

    @cache  # noqa: B019
    def _net(self, only_tests):
        if self.kind == "ours":
            return Ours(self.graph, self.cases, only_tests)
        return Theirs(self.graph, self.cases, self.kind)

    @cache  # noqa: B019
    def _ready(self, what):
        """A step that has been run once: tests alone take no memory for a backward pass."""
        call = getattr(self._net(self.kind == "ours" and what == "test"), what)
        call()
        return call

    def step(self):
        """Seconds of a training step."""
        return measured(self._ready("train"))

    def test(self):
        """Seconds of a test step."""
        return measured(self._ready("test"))

    def phases(self):
        """Seconds of each phase of a training step, in order."""
        net, found = self._net(False), dict.fromkeys(PHASES, float("inf"))
        for _ in range(5 if self.step() < LEAST else 1):
            for phase in PHASES:
                seconds = seconds_of(lambda phase=phase: net.phase(phase))
                found[phase] = min(found[phase], seconds)
        return found

    def memory(self):
        """Peak bytes so far."""
        return peak_memory()

    def layer(self, call, channels_last=False, compiled=False):
        """Seconds of one layer in one direction."""
        layer = *calls_of(self.graph)[call], self.cases
        if self.kind == "ours":
            return self._alone(our_call, *layer)
        from benchmarks.pytorch.layers import their_call

        return self._alone(their_call, *layer, channels_last, compiled)

    def elementwise(self, call, compiled=False):
        """Seconds of one elementwise function in one direction."""
        if self.kind == "ours":
            return self._alone(our_elementwise, call)
        from benchmarks.pytorch.elementwise import their_elementwise

        return self._alone(their_elementwise, call, compiled)

    def _alone(self, maker, *arguments):
        """Seconds of a call that `maker` makes; the last one made is kept."""
        if self._call[0] != arguments:
            self._call = None, None  # its arrays are freed first
            made = maker(*arguments)
            made()
            self._call = arguments, made
        return measured(self._call[1])

    def product(self, side=2048):
        """Seconds of a square matrix product."""
        a = np.random.default_rng(0).standard_normal((side, side), np.float32)
        if self.kind == "ours":
            out = np.empty_like(a)
            return seconds_of(lambda: np.matmul(a, a, out=out), 5)
        import torch

        tensor = torch.from_numpy(a)
        return seconds_of(lambda: tensor @ tensor, 5)


def main():
    kind, name, cases = sys.argv[1:]
    server = Server(kind, name, int(cases))
    names = ("step", "test", "phases", "memory", "layer", "elementwise", "product")
    serve({name: getattr(server, name) for name in names})


if __name__ == "__main__":
    main()
