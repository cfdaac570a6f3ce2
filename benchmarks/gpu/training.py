"""Part "training": whole runs from the command line, and AlexNet's costs beside the CPU's."""

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.gpu import ours
from benchmarks.gpu.records import Failed
from benchmarks.gpu.settings import ROOT, Settings

if TYPE_CHECKING:
    from convnet.graph.build import Graph
    from convnet.network.network import Network

CONVNET = [sys.executable, "-c", "from convnet.cli import main; main()"]
DIGITS = ["--layers", "layers/digits.cfg", "--params", "params/digits.params"]
ALEXNET = ["--layers", "layers/alexnet.cfg", "--params", "params/alexnet.params"]
WORST_DIGITS = 0.02  # top-1 error; the CPU's is 0.0101 at the same seed
COSTS_AGREE = 2e-3  # relative, after a few updates from the same start
FALLS_BY = 1.0  # the cost of a case, in a few hundred minibatches of few images
IMAGES, CHUNK = 640, 16  # rendered, in all and by one call
SECONDS = 45  # of a command


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        runs = Runs(settings, Path(name))
        yield "digits to their accuracy", runs.digits
        yield "resuming", runs.resuming
        yield "trace of two devices", runs.trace
        yield "AlexNet's first costs", runs.first_costs
        yield "AlexNet on two devices", runs.alexnet


class Runs:
    """Commands in a folder of their own; in rehearsal short ones on the CPU."""

    def __init__(self, settings: Settings, folder: Path):
        self.settings, self.folder = settings, folder
        self.rehearsal = settings.rehearsal
        self.device = ["--device", "cpu" if self.rehearsal else "cuda"]

    def train(self, name: str, *arguments: str) -> list[dict]:
        """Run `convnet train` with the folder `name`; return its journal."""
        command = [*CONVNET, "train", *arguments, *self.device, "--save", str(self.folder / name)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            raise Failed(f"ended with code {done.returncode}: {done.stderr[-600:]}", {})
        lines = (self.folder / name / "journal.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def digits(self) -> dict:
        """The packaged digits, all 30 epochs."""
        epochs = ["--epochs", "1"] if self.rehearsal else []
        journal = self.train("digits", *DIGITS, *epochs)
        test = [record for record in journal if record["event"] == "test"][-1]
        error = next(iter(test["costs"].values()))["top-1 error"]
        figures = {"top-1 error": error, **speed(journal)}
        if not self.rehearsal and not error < WORST_DIGITS:
            raise Failed(f"an error of {error:.2%}, expected below {WORST_DIGITS:.0%}", figures)
        return figures

    def resuming(self) -> dict:
        """A run that is stopped and resumed is bit-for-bit identical to an uninterrupted one."""
        few, all_of_them = ("5", "9") if self.rehearsal else ("40", "90")
        self.train("straight", *DIGITS, "--max-batches", all_of_them)
        self.train("stopped", *DIGITS, "--max-batches", few)
        rest = str(int(all_of_them) - int(few))
        self.train("stopped", "--resume", str(self.folder / "stopped"), "--max-batches", rest)
        one, other = (weights(self.folder / name) for name in ("straight", "stopped"))
        wrong = [name for name in one if not np.array_equal(one[name], other[name])]
        if wrong or not one:
            raise Failed(f"{len(wrong)} of {len(one)} arrays differ: {', '.join(wrong[:5])}", {})
        return {"arrays": len(one)}

    def trace(self) -> dict:
        """A trace has the times of every step, for each device and stream."""
        path = self.folder / "trace.json"
        many = ["--minibatch", "2", "--max-batches", "3"] if self.rehearsal else []
        gpus = [] if self.rehearsal else ["--gpu", "0,0", "--max-batches", "30"]
        data = ["--data", "synthetic:1000x3x224x224", "--mean", "none"]
        journal = self.train("traced", *ALEXNET, *gpus, *many, *data, "--trace", str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        steps = [event for event in events if event["ph"] == "X"]
        places = sorted({f"{event['pid']}, {event['tid']}" for event in steps})
        figures = {"steps": len(steps), "places": places,
                   "ms": round(sum(event["dur"] for event in steps) / 1e3, 3),
                   **speed(journal)}  # fmt: skip
        if len(places) < 2 or figures["ms"] <= 0:
            raise Failed("the trace does not show two devices at work", figures)
        return figures

    def first_costs(self) -> dict:
        """Three updates of AlexNet on two devices, from the same start, beside the CPU engine."""
        from convnet.backends.cpu.engine import Engine
        from convnet.network.network import Network

        graph = ours.alexnet(self.settings, "alexnet")
        cases = 2 if self.rehearsal else 16
        theirs = Network(graph, cases, Engine(np.float32), seed=1)
        mine = Network(graph, cases, ours.engine((0, 0), "fp32", True), seed=1)
        pairs = [costs(network, graph, cases) for network in (mine, theirs)]
        figures = {"gpu": pairs[0], "cpu": pairs[1]}
        worst = max(abs(a - b) / b for a, b in zip(*pairs, strict=True))
        if not worst < COSTS_AGREE:
            raise Failed(f"costs differ by {worst:.1e} of themselves", figures)
        return figures

    def alexnet(self) -> dict:
        """A few hundred minibatches of rendered images on two logical devices of one card."""
        from convnet.network.network import Network

        graph = ours.alexnet(self.settings, "alexnet")
        cases, steps = (2, 4) if self.rehearsal else (128, 250)
        batches = rendered(self.settings, graph.node("data").shape[1], cases)
        network = Network(graph, cases, ours.engine((0, 0), "fp32", True), seed=1)
        started = time.perf_counter()
        numbers = [cost_of(network, batches[step % len(batches)]) for step in range(steps)]
        seconds = time.perf_counter() - started
        figures = {"costs": [round(n, 4) for n in numbers[:: max(1, steps // 20)]],
                   "images/s": round(cases * steps / seconds, 1)}  # fmt: skip
        fallen = fmean(numbers[: steps // 10 + 1]) - fmean(numbers[-steps // 10 :])
        if not np.isfinite(numbers).all() or (fallen < FALLS_BY and not self.rehearsal):
            raise Failed(f"the cost has fallen by {fallen:.2f}, expected {FALLS_BY}", figures)
        return figures


def rendered(settings: Settings, side: int, cases: int) -> list[dict[int, np.ndarray]]:
    """Return minibatches of ten classes of the data set `shapes`, rendered by all cores."""
    parts = 1 if settings.rehearsal else IMAGES // CHUNK
    chunks = [(settings.rehearsal, side, part) for part in range(parts)]
    if settings.rehearsal:
        found = [_chunk(*chunks[0])]
    else:
        with multiprocessing.get_context("spawn").Pool() as pool:
            found = pool.starmap(_chunk, chunks, chunksize=1)
    whole = {index: np.concatenate([chunk[index] for chunk in found], axis=1) for index in (0, 1)}
    starts = range(0, whole[1].shape[1] - cases + 1, cases)
    return [
        {i: np.ascontiguousarray(m[:, start : start + cases]) for i, m in whole.items()}
        for start in starts
    ]


def _chunk(rehearsal: bool, side: int, part: int) -> dict[int, np.ndarray]:
    from convnet.data import Feed, FeedOptions, open_dataset

    count = 4 if rehearsal else CHUNK
    dataset = open_dataset("shapes", side=side, channels=3, classes=10, seed=1)
    options = FeedOptions(side=side, seed=1, mean=128.0)
    return Feed(dataset, "train", count, options).minibatch(0, part).matrices


def cost_of(network: "Network", matrices: dict[int, np.ndarray]) -> float:
    """Run a training step; return the cost of a case."""
    network.load(matrices)
    network.set_rates(0.0)
    network.run("train")
    return float(network.costs()["logprob"][0]) / network.cases


def costs(network: "Network", graph: "Graph", cases: int, steps: int = 3) -> list[float]:
    """Return the costs a case of some training steps; dropout masks are equal on all engines."""
    found = []
    for step in range(steps):
        rng = np.random.default_rng(step)
        images = rng.standard_normal((graph.node("data").shape.size, cases), np.float32) * 60
        labels = rng.integers(0, graph.node("probs").shape.size, (1, cases)).astype(np.float32)
        found.append(round(cost_of(network, {0: images, 1: labels}), 6))
    return found


def weights(folder: Path) -> dict[str, np.ndarray]:
    """Return all arrays of the newest checkpoint of a run."""
    from convnet import checkpoint

    return checkpoint.load(checkpoint.newest(folder)).arrays


def speed(journal: list[dict]) -> dict:
    """Return images a second and the share of time waiting for data, of the later half of a run."""
    trained = [record for record in journal if record["event"] == "train"]
    later = trained[len(trained) // 2 :]
    seconds = sum(record["seconds"] for record in later)
    if not seconds:
        return {}
    images = sum(record["images_per_second"] * record["seconds"] for record in later)
    waited = sum(record["wait_share"] * record["seconds"] for record in later)
    return {"images/s": round(images / seconds, 1), "wait share": round(waited / seconds, 3)}
