"""What AlexNet's launches ask of a GPU, counted by running some of their blocks in the emulator.

`make emulate-counters` runs it, without a GPU.  For each launch of a training step at 128 cases it
prints the bytes that it touches, beside those that it must and those that the tiles of a product
have to read and write; the sectors of memory that it asks for and how much of them it uses;
conflicts of shared memory's banks; instructions and the share of mma.sync; occupancy from registers
and shared memory, and the bytes that this keeps in flight; and, from documented rates of a GPU,
what bounds it and the least time it could take: a prediction, not a measurement.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.traffic import bytes_moved, is_product
from convnet import nets
from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.engine import operation
from convnet.backends.cuda.gemm.kernel import STAGES, product_kernel
from convnet.backends.cuda.runtime.launch import Launch
from convnet.network.memory import View
from convnet.network.record import Step
from emulator.counters import H200, Counts, blocks_at_once, seconds
from tests.scripts.kernels_table import plan_of
from tests.support.emulated_counters import Counted, tiles_of


@dataclass(frozen=True)
class Row:
    """A launch of a step: what was counted, and what the assembler reports of its kernel."""

    step: Step
    launch: Launch
    counts: Counts
    report: dict[str, int]
    at_once: int

    @property
    def name(self) -> str:
        return f"{self.step.layer} {self.step.operation}"


def launches(plan, cases, precision, memory):
    """(step, launch) of a training step, those that differ."""
    seen = set()
    for step in plan.programs["train"]:
        function = operation(step.operation)
        arguments = [memory.of_view(a, cases) if isinstance(a, View) else a for a in step.arguments]
        extra = {"precision": precision} if function.takes_precision else {}
        if function.scratch_size is not None:
            extra["scratch"] = memory.scratch(
                max(int(function.scratch_size(*arguments, **extra)), 1)
            )
        for item in function(*arguments, **extra):
            if isinstance(item, Launch) and (key := _key(item)) not in seen:
                seen.add(key)
                yield step, item


def _key(launch):
    sizes = [a.shape if hasattr(a, "shape") and a.shape else a for a in launch.arguments]
    return launch.kernel.name, launch.blocks, str(sizes)


HEADS = (
    ("launch", 52), ("blocks", 8), ("sampled", 8), ("must MB", 9), ("touched", 8), ("tiles", 9),
    ("asked", 9), ("used", 6), ("off", 6), ("conflicts", 10), ("instr. M", 9), ("mma", 6),
    ("registers", 10), ("at once", 8), ("flight KB", 10), ("bound by", 9), ("least us", 9),
    ("L2 TB/s", 8),
)  # fmt: skip


def times_of(row: Row, precision: str) -> dict[str, float]:
    """Seconds by resource.  A product's main loop says how many instructions it has in the end."""
    times = seconds(H200, row.counts, "bf16" if precision == "bf16" else "tf32")
    if row.report["share"] and row.launch.kernel.function.__module__ == product_kernel.__module__:
        kind = "mma" if row.counts.multiply_adds else "fp32"
        instructions = row.counts.instructions[kind] * 100 / row.report["share"]
        times["issue"] *= instructions / row.counts.executed
    return times


def ahead_of(row: Row) -> int:
    """How many pairs of tiles of a product a block has on their way while it multiplies."""
    rounded = row.launch.kernel.name.split("_")[4] == "bf16"
    (_, one), bytes_ = tiles_of(row.launch), row.report["shared"]
    return 1 if rounded else max(2, min(STAGES, int(bytes_ // one))) - 1


def line(row: Row, must: float | None, precision: str) -> str:
    counts, times, tiles = row.counts, times_of(row, precision), tiles_of(row.launch)
    bound = max(times, key=times.__getitem__)
    scale = counts.scale
    cells = (
        f"{row.name}: {row.launch.kernel.name}"[:51], f"{counts.blocks}", f"{counts.sampled}",
        "" if must is None else f"{must / 1e6:.1f}", f"{counts.touched / 1e6:.1f}",
        f"{tiles[0] / 1e6:.1f}" if tiles else "", f"{counts.asked / 1e6:.1f}",
        f"{counts.used:.0%}", f"{counts.predicated_off:.0%}",
        f"{counts.conflicts:.1%}" if counts.wavefronts else "",
        f"{scale * counts.executed / 1e6:.2f}",
        f"{row.report['share']}%" if counts.multiply_adds else "",
        f"{row.report['registers']}", f"{row.at_once}",
        f"{row.at_once * tiles[1] * ahead_of(row) / 1024:.0f}" if tiles else "", bound,
        f"{times[bound] * 1e6:.1f}",
        f"{counts.own / times[bound] / 1e12:.1f}",
    )  # fmt: skip
    found = "".join(
        f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
        for i, (cell, (_, width)) in enumerate(zip(cells, HEADS, strict=True))
    )
    return found + " " + " ".join(f"{k}={v * 1e6:.0f}" for k, v in sorted(times.items()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=128)
    parser.add_argument("--sampled", type=int, default=4, help="blocks of each launch")
    parser.add_argument("--precision", choices=PRECISIONS, action="append")
    parser.add_argument("words", nargs="*", help="of the launches to count")
    options = parser.parse_args()
    plan = plan_of(nets.find(Path("alexnet-groups")), options.cases)
    print("".join(f"{h:<{w}}" if i == 0 else f"{h:>{w}}" for i, (h, w) in enumerate(HEADS)))
    for precision in options.precision or PRECISIONS:
        counted, last = Counted(options.sampled), None
        print(f"-- {precision}", flush=True)
        for step, item in launches(plan, options.cases, precision, counted.memory):
            name = f"{step.layer} {step.operation}"
            wanted = not options.words or any(word in name for word in options.words)
            if not wanted or (precision != "fp32" and not is_product(step)):
                continue
            counts, report = counted.counts(item)
            at_once = blocks_at_once(H200, item.threads, report["registers"], report["shared"])
            row = Row(step, item, counts, report, at_once)
            must = bytes_moved(step, options.cases) if step is not last else None
            print(line(row, must, precision), flush=True)
            last = step
    return 0


if __name__ == "__main__":
    sys.exit(main())
