"""Part "steps": AlexNet's training and test step beside PyTorch's, timed alternately in one run."""

import gc
from collections.abc import Iterator

import torch

from benchmarks.gpu import ours, peaks, theirs
from benchmarks.gpu.busy import busy
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.timing import Candidate, host_seconds, interleaved, ratio
from benchmarks.gpu.traffic import floor_of_program

LAYOUTS = ("nchw", "nhwc")
TORCH_PRECISIONS = {"bf16": ("bf16", "bf16 weights")}


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    bench = Bench(settings)
    yield "peaks", bench.find_peaks
    first, others = settings.cases[0], settings.cases[1:]
    for precision in settings.precisions:
        yield f"step {precision} {first}", lambda p=precision: bench.step(p, first)
    for precision in settings.precisions:
        yield f"host {precision}", lambda p=precision: bench.host(p)
        yield f"gaps {precision}", lambda p=precision: bench.gaps(p)
    for precision in settings.precisions[::2]:
        yield f"two devices {precision}", lambda p=precision: bench.two_devices(p)
    for cases in others:
        for precision in settings.precisions:
            yield f"step {precision} {cases}", lambda p=precision, n=cases: bench.step(p, n)


class Bench:
    """Checks that share the peaks, and the memory layout in which PyTorch was fastest."""

    def __init__(self, settings: Settings):
        self.settings, self.device = settings, settings.torch_device
        self.peaks: dict[str, float] = {}
        self.layouts: dict[str, str] = {}
        self.graph = ours.alexnet(settings)

    def find_peaks(self) -> dict:
        self.peaks = peaks.measured(self.settings)
        return {**self.peaks, "shown": peaks.shown(self.peaks)}

    # -- whole steps ---------------------------------------------------------------------------

    def step(self, precision: str, cases: int) -> dict:
        """Training and test step at one number of cases."""
        if not self.peaks:
            self.find_peaks()
        before = self._free()
        made = ours.network(self.graph, cases, precision=precision, graphs=True)
        mine = self._ours(made)
        taken = before - self._free()
        trainers = self._trainers(precision, cases)
        found: dict[str, dict] = {"memory": self._memory(made, taken)}
        for program in ("train", "test"):
            candidates = mine[program] + [
                candidate
                for label, trainer in trainers.items()
                for candidate in self._of(label, trainer, program)
            ]
            times = interleaved(candidates, self.settings.rounds)
            floor = floor_of_program(made.plan.programs[program], cases, precision, self.peaks)
            found[program] = self._judged(times, floor, precision, remember=program == "train")
        del made, mine, trainers, candidates
        self._clean()
        return found

    def _ours(self, made):
        """The step with the data on the device, as PyTorch has it, and with its upload."""
        found = {}
        for program in ("train", "test"):
            wait = made.engine.synchronize
            found[program] = [
                Candidate("ours", made.program(program).run, wait),
                Candidate("ours, upload", ours.uploading(made, program), wait),
            ]
            for candidate in found[program]:  # so that all memory is allocated, and graphs captured
                for _ in range(3):
                    candidate.call()
            wait()
        return found

    def _trainers(self, precision, cases):
        """By label.  At the larger sizes only the layout that was best at the first."""
        if self.settings.rehearsal:
            return {}
        layouts = LAYOUTS
        if cases != self.settings.cases[0]:
            layouts = (self.layouts.get(precision, "nhwc" if precision != "fp32" else "nchw"),)
        kinds = TORCH_PRECISIONS.get(precision, (precision,))
        if cases != self.settings.cases[0]:
            kinds = kinds[:1]
        return {
            f"torch {kind}, {layout}": theirs.Trainer(self.graph, cases, kind, layout, self.device)
            for kind in kinds
            for layout in layouts
        }

    def _of(self, label, trainer, program):
        """Candidates of a trainer: eager, and as a graph."""
        step = trainer.train if program == "train" else trainer.test

        def eager():
            theirs.set_precision(trainer.precision)
            step()

        def wait():
            theirs.wait(self.device)

        found = [Candidate(label, eager, wait)]
        if self.device == "cuda":  # elsewhere PyTorch has no graphs
            replay = Late(lambda: trainer.captured(eager))
            found.append(Candidate(f"{label}, graph", replay, wait))
        return found

    def _judged(self, times, floor, precision, remember):
        """Ratios of PyTorch's best time at the same precision, and the share of the floor."""
        same = {n: t for n, t in times.items() if n.startswith(f"torch {precision},") and "ms" in t}
        best = min(same, key=lambda name: same[name]["ms"], default=None)
        if remember and best:
            self.layouts[precision] = best.split(", ")[1]
        found = {"times": times, "best torch": best, "floor_ms": round(1e3 * floor, 4)}
        found["ratio"] = ratio(same.get(best), times.get("ours"))
        found["ratio with upload"] = ratio(same.get(best), times.get("ours, upload"))
        if "ms" in times["ours"]:
            found["share of floor"] = round(1e3 * floor / times["ours"]["ms"], 3)
        return found

    # -- memory --------------------------------------------------------------------------------

    def _free(self):
        return torch.cuda.mem_get_info()[0] if self.device == "cuda" else 0

    def _memory(self, made, taken):
        """Bytes: ours planned and taken; PyTorch's at its peak so far."""
        found = {"ours planned": ours.bytes_planned(made), "ours taken": taken}
        if self.device == "cuda" and made.minibatch == self.settings.cases[0]:
            found["torch"] = self._torch_peak(made.minibatch)
        return found

    def _torch_peak(self, cases):
        """Of a training step alone."""
        self._clean()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        trainer = theirs.Trainer(self.graph, cases, "fp32", "nchw", self.device)
        for _ in range(2):
            trainer.train()
        return torch.cuda.max_memory_allocated() - before

    def _clean(self):
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()

    # -- host time, gaps, two devices ----------------------------------------------------------

    def _network(self, graph, precision, gpus=(0,)):
        return ours.network(graph, self.settings.cases[0], gpus, precision, graphs=True)

    def host(self, precision: str) -> dict:
        """Microseconds of the host for a step: all of it, and the launch of the graph alone."""
        made = self._network(self.graph, precision)

        def step():
            made.set_rates(0.0)
            made.run("train")

        for _ in range(3):
            step()
        repeats = 3 if self.settings.rehearsal else 50
        whole = host_seconds(step, made.engine.synchronize, repeats)
        found = {"step us": round(1e6 * whole, 1)}
        graph = getattr(made.program("train"), "graph", None)
        if graph is not None:
            alone = host_seconds(graph.launch, made.engine.synchronize, repeats)
            found |= {"graph us": round(1e6 * alone, 1), "rest us": round(1e6 * (whole - alone), 1)}
        return found

    def gaps(self, precision: str) -> dict:
        """How much of a step no kernel runs in, ours and PyTorch's, and our longest kernels."""
        made = self._network(self.graph, precision)
        program = made.program("train")
        for _ in range(3):
            program.run()
        found = {"ours": busy(program.run, made.engine.synchronize)}
        if self.settings.rehearsal:
            return found
        trainer = theirs.Trainer(self.graph, self.settings.cases[0], precision, "nchw", self.device)
        for _ in range(3):
            trainer.train()
        return {**found, "torch eager": busy(trainer.train, lambda: theirs.wait(self.device))}

    def two_devices(self, precision: str) -> dict:
        """alexnet.cfg on two logical devices of one card, beside one device."""
        wait, candidates, kept = None, [], []
        for label, devices, gpus in (("one", 1, (0,)), ("two", 2, (0, 0))):
            graph = ours.alexnet(self.settings, "alexnet", devices)
            made = self._network(graph, precision, gpus)
            kept.append(made)
            wait = made.engine.synchronize
            candidates.append(Candidate(label, made.program("train").run, wait))
        grouped = self._network(self.graph, precision)
        kept.append(grouped)
        wait = grouped.engine.synchronize
        candidates.append(Candidate("grouped", grouped.program("train").run, wait))
        times = interleaved(candidates, self.settings.rounds)
        return {"times": times, "two / one": ratio(times["two"], times["one"])}


class Late:
    """A call that is made when it is first needed, so that an error counts for its candidate."""

    def __init__(self, make):
        self.make, self.made = make, None

    def __call__(self):
        if self.made is None:
            self.made = self.make()
        self.made()
