"""Part "layers": each step of AlexNet by itself, many times in a row, in each direction.

Products are measured beside PyTorch's; kernels that only move memory, as a share of the bandwidth
that a large copy reaches, where each argument is read once and each result written once.
"""

from collections.abc import Iterator

from benchmarks.gpu import ours, peaks, theirs
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.their_layers import counterpart
from benchmarks.gpu.timing import Candidate, interleaved, ratio
from benchmarks.gpu.traffic import adds, bytes_moved, floor_seconds, flops, is_product, module_of
from convnet.network.network import Network
from convnet.network.record import BETWEEN_DEVICES, Step

REPEATS = 10  # of a step in one program, so that starting it counts little


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    bench = Layers(settings)
    yield "peaks", bench.find_peaks
    few, many = settings.cases[0], settings.cases[-1]
    steps = distinct(bench.network(few, "fp32"))
    for step in steps:
        yield f"{label(step)} {few}", lambda s=step: bench.timed(s, few)
    for step in steps:
        if not is_product(step):
            yield f"{label(step)} {many}", lambda s=step: bench.timed(s, many)


def label(step: Step) -> str:
    """Return a name such as "conv2 images_grad"; "adding" where a step accumulates."""
    what = step.arguments[0].buffer.name if module_of(step) == "update" else step.layer
    operation = step.operation.removeprefix("conv.").removeprefix("fc.")
    return f"{what} {operation}{' adding' if adds(step) else ''}"


def distinct(made: Network) -> list[Step]:
    """Return the steps of training on devices; of equal operations and shapes only the first."""
    found = {}
    for step in made.plan.programs["train"]:
        if step.operation not in BETWEEN_DEVICES:
            what = step.operation, tuple(_shown(a) for a in step.arguments)
            found.setdefault(what, step)
    return list(found.values())


def _shown(argument):
    return argument.dims if hasattr(argument, "dims") else argument


class Layers:
    """Checks that share networks: one for each number of cases."""

    def __init__(self, settings: Settings):
        self.settings, self.graph = settings, ours.alexnet(settings)
        self.peaks: dict[str, float] = {}
        self.networks: dict[int, object] = {}

    def find_peaks(self) -> dict:
        self.peaks = peaks.measured(self.settings)
        return {**self.peaks, "shown": peaks.shown(self.peaks)}

    def network(self, cases: int, precision: str) -> Network:
        """Return the kept network; its engine binds the next programs in `precision`."""
        if cases not in self.networks:
            self.networks.clear()
            made = ours.network(self.graph, cases, graphs=True)
            made.run("train")  # values as in training, for kernels that look at them
            made.engine.synchronize()
            self.networks[cases] = made
        made = self.networks[cases]
        made.engine.precision = precision
        return made

    def timed(self, step: Step, cases: int) -> dict:
        """Return our times and PyTorch's, floors, and the share of the bandwidth."""
        if not self.peaks:
            self.find_peaks()
        step = same_step(self.network(cases, "fp32"), step)
        moved, work = bytes_moved(step, cases), flops(step, cases)
        found = {"bytes": moved, "flops": work, "by precision": {}}
        for precision in self.settings.precisions if is_product(step) else ("fp32",):
            times = interleaved(self._candidates(step, cases, precision), self.settings.rounds)
            times = {name: each(t, REPEATS) for name, t in times.items()}
            found["by precision"][precision] = self._judged(step, cases, precision, times)
        return found

    def _candidates(self, step, cases, precision):
        made = self.network(cases, precision)
        program = made.engine.program([step] * REPEATS, made.sizes)
        made.engine.precision = "fp32"
        found = [Candidate("ours", program.run, made.engine.synchronize)]
        for layout in () if self.settings.rehearsal else ("nchw", "nhwc"):
            other = counterpart(step, cases, precision, layout, self.settings, REPEATS)
            if other is not None:
                wait = lambda: theirs.wait(self.settings.torch_device)  # noqa: E731
                found.append(Candidate(f"torch {layout}", other, wait))
        return found

    def _judged(self, step, cases, precision, times):
        floor = 1e3 * floor_seconds(step, cases, precision, self.peaks)
        best = min((t for n, t in times.items() if n != "ours" and "ms" in t),
                   key=lambda t: t["ms"], default=None)  # fmt: skip
        found = {"times": times, "floor_ms": round(floor, 5), "ratio": ratio(best, times["ours"])}
        if "ms" in times["ours"] and not is_product(step):
            reached = bytes_moved(step, cases) / (times["ours"]["ms"] / 1e3)
            found["bandwidth share"] = round(reached / self.peaks["bandwidth"], 3)
        if "ms" in times["ours"]:
            found["share of floor"] = round(floor / times["ours"]["ms"], 3)
        return found


def same_step(made: Network, step: Step) -> Step:
    """Return the step of another network of the same graph that corresponds to `step`."""
    return next(s for s in made.plan.programs["train"] if str(s) == str(step))


def each(times: dict, repeats: int) -> dict:
    """Return the times of one of several repeats."""
    return {name: t if name == "error" else round(t / repeats, 6) for name, t in times.items()}
