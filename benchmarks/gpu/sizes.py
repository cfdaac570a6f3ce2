"""Part "sizes": each step of AlexNet, on the values of a training step, against float64.

The network advances step by step on the device.  Products are compared with PyTorch in float64, all
other steps with the CPU engine in float64; what a step must write is filled with NaN before.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.gpu import ours
from benchmarks.gpu.layers import label
from benchmarks.gpu.products import in_float64
from benchmarks.gpu.records import Failed
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.traffic import is_product, operands, touched
from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.network.memory import Buffer, View
from convnet.network.record import BETWEEN_DEVICES, Step

TOLERANCES = {"fp32": 1e-5, "tf32": 2e-3, "bf16": 1.5e-2}  # of the norm of the difference


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    for name in ("alexnet-groups", "alexnet"):
        graph = ours.alexnet(settings, name, devices=1)
        walk = Walk(ours.network(graph, settings.cases[0], graphs=False), settings)
        seen = set()
        for number, step in enumerate(walk.steps):
            what = step.operation, str([getattr(a, "dims", a) for a in step.arguments])
            if what in seen or step.operation in BETWEEN_DEVICES:
                continue
            seen.add(what)
            yield f"{name}: {label(step)}", lambda w=walk, n=number: w.check(n)
        del walk


class Walk:
    """A training step, run up to the step of the next check."""

    def __init__(self, made, settings: Settings):
        self.made, self.engine, self.cases = made, made.engine, made.cases
        self.precisions = settings.precisions
        self.steps: list[Step] = made.plan.programs["train"]
        self.device = settings.torch_device
        self.done = 0

    def run(self, step: Step, precision: str) -> None:
        self.engine.precision = precision
        self.engine.program([step], self.made.sizes).run()
        self.engine.synchronize()

    def check(self, number: int) -> dict:
        """Errors by precision, relative to the norm of what is expected."""
        while self.done < number:  # also those that another process has checked
            self.done += 1
            self.run(self.steps[self.done - 1], "fp32")
        step, self.done = self.steps[number], number + 1
        before = {view: self._read(view) for view, _, _ in operands(step)}
        expected = self._expected(step, before)
        found = {}
        precisions = self.precisions if is_product(step) else ("fp32",)
        for precision in [p for p in precisions if p != "fp32"] + ["fp32"]:  # continue from fp32
            self._restore(step, before)
            self.run(step, precision)
            found[precision] = max(self._errors(expected))
        bad = [p for p, error in found.items() if not error < TOLERANCES[p]]
        figures = {precision: float(f"{error:.2e}") for precision, error in found.items()}
        if bad:
            raise Failed(f"{', '.join(bad)}: {step}", figures)
        return figures

    def _read(self, view: View):
        return self.engine.read(view, self.cases)

    def _restore(self, step, before):
        """What the step reads, and NaN where it only writes."""
        kept = [view for view, reads, _ in operands(step) if reads]
        for view, reads, writes in operands(step):
            if not writes:
                continue
            shared = any(view.buffer is other.buffer for other in kept)
            values = before[view] if reads or shared else poison(before[view])
            self.engine.write(view, self.cases, values)

    def _errors(self, expected):
        for view, values in expected.items():
            yield relative(self._read(view), values)

    def _expected(self, step, before):
        if is_product(step):
            return in_float64(step, before, self.cases, self.device)
        return on_cpu(step, before, self.cases)


def poison(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return np.full_like(values, np.nan)
    return np.full_like(values, 255)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the norm of the difference over that of the expected values; infinite for NaN."""
    exact = np.asarray(expected, np.float64)
    difference = np.linalg.norm((np.asarray(found, np.float64) - exact).ravel())
    error = difference / max(np.linalg.norm(exact.ravel()), 1e-30)
    return float(error) if np.isfinite(error) else float("inf")


def on_cpu(step: Step, before: dict[View, np.ndarray], cases: int) -> dict[View, np.ndarray]:
    """Return what the CPU engine computes from the same values in float64, by written view."""
    engine, mine, step = CpuEngine(np.float64), {}, whole(step)
    buffers: dict[Buffer, Buffer] = {}
    for view in dict.fromkeys([*before, *step.views()]):
        old = view.buffer
        if old not in buffers:
            buffers[old] = Buffer(old.name, 0, old.rows, old.role, old.per_case, old.dtype)
        mine[view] = View(buffers[old], view.start, view.dims, view.tail)
    engine.allocate(list(buffers.values()), cases)
    for view, values in before.items():
        engine.write(mine[view], cases, values)
    arguments = tuple(mine[a] if isinstance(a, View) else a for a in step.arguments)
    alone = Step(step.operation, step.layer, step.phase, 0, arguments, step.microbatch)
    engine.program([*_before(alone), alone], (cases,)).run()
    written = [v for v, _, writes in touched(step) if writes and v in before]
    return {view: engine.read(mine[view], cases) for view in written}


def whole(step: Step) -> Step:
    """Replace None by arrays that the CPU engine needs where the GPU recomputes them."""
    if not step.operation.startswith("cmrnorm."):
        return step
    like = step.arguments[0]
    arguments = (_like(like) if a is None else a for a in step.arguments)
    return replace(step, arguments=tuple(arguments))


def _like(view):
    return View(Buffer("recomputed", 0, view.size, "kept"), 0, view.dims, view.tail)


def _before(step: Step) -> list[Step]:
    """The steps that compute what the CPU engine keeps for a step and the GPU recomputes."""
    if step.operation != "cmrnorm.backward":
        return []
    x, y, _, denominators, _, *numbers, _ = step.arguments
    return [replace(step, operation="cmrnorm.forward", arguments=(x, y, denominators, *numbers))]
