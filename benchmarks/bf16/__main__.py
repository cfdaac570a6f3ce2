"""Whether products in bfloat16 would pay on this processor: `python -m benchmarks.bf16`.

For processors with AVX512-BF16.  Prints (1) what a micro-kernel of vdpbf16ps reaches beside the
same in float32, with panels in the second-level cache, and what rounding and packing cost; (2) the
errors of convolutions whose operands are rounded to bfloat16, direct and through Winograd's
transforms; (3) what AlexNet's training step would take at best.
"""

import threading
import time
from collections.abc import Callable
from functools import partial

import click
import llvmlite.binding as llvm
import numpy as np

from benchmarks.bf16.kernels import KINDS, ROWS, WIDTH, Kernels
from benchmarks.cpu.bench import Bench
from benchmarks.cpu.layers import calls_of
from benchmarks.graphs import shipped_graph
from benchmarks.tables import processor, table
from benchmarks.timing import in_turn
from convnet.backends.cpu.engine import aligned
from convnet.backends.cpu.winograd import points
from convnet.backends.cpu.winograd.tiling import tiling

DEPTH, COLUMNS = 256, 4  # of the panels: numbers of k in float32, and panels of b (256 kB)
TALL = 32  # panels of a
REPEATS = 200  # of a call that is timed
NET, CASES = "alexnet-groups", 128
GOAL = 1.4  # what bfloat16 would have to gain on AlexNet's training step


# -- (1) the rates ---------------------------------------------------------------------------------


class Panels:
    """The calls of a kind on one thread's arrays."""

    def __init__(self, kernels: Kernels, kind: str):
        count = DEPTH // (2 if kind == "bf16" else 1)
        sizes = (DEPTH * WIDTH * COLUMNS, ROWS * TALL * count, WIDTH * COLUMNS * count,
                 ROWS * TALL * WIDTH * COLUMNS)  # fmt: skip
        self.arrays = [aligned(size, np.dtype(np.float32)) for size in sizes]
        source, a, b, c = (array.ctypes.data for array in self.arrays)
        self.calls = {
            "products": partial(kernels.products, a, b, c, count, TALL, COLUMNS),
            "packing of b": partial(kernels.pack, source, b, sizes[0] // 32),
        }


def rates(threads: int, rounds: int = 5) -> list[dict]:
    """Rows for float32 and bf16: operations a second of products, and of packing with them.

    Every thread does the same, at the same time, on arrays of its own.
    """
    kinds = {kind: Kernels(kind) for kind in KINDS}
    panels = {kind: [Panels(kinds[kind], kind) for _ in range(threads)] for kind in KINDS}
    calls = {
        (kind, what): partial(together, [each.calls[what] for each in panels[kind]])
        for kind in KINDS
        for what in panels[kind][0].calls
    }
    times = in_turn(calls, rounds, slack=float("inf"))
    rows, flops = [], 2 * ROWS * TALL * WIDTH * COLUMNS * DEPTH
    for (kind, what), found in times.items():
        each = min(found)
        rows.append({
            "what": f"{what}, {kind}",
            "us": 1e6 * each,
            "GFLOP/s": threads * flops / each / 1e9 if what == "products" else None,
            "float32's time / this": min(times["float32", what]) / each,
        })  # fmt: skip
    return rows


def together(calls: list[Callable[[], None]]) -> float:
    """Seconds of one call each on threads of their own, the mean of many."""
    barrier = threading.Barrier(len(calls) + 1)

    def work(call):
        barrier.wait()
        for _ in range(REPEATS):
            call()
        barrier.wait()

    started = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in started:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    barrier.wait()
    return (time.perf_counter() - start) / REPEATS


# -- (2) the errors --------------------------------------------------------------------------------


def rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest bfloat16, as float64."""
    bits = values.astype(np.float32).view(np.uint32)
    bits = bits + 0x7FFF + (bits >> 16 & 1)
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def errors(side: int, size: int, channels: int = 256, tiles: int = 64, filters: int = 32) -> dict:
    """The errors of one tile's outputs, relative to the largest, operands rounded, sums exact."""
    rng = np.random.default_rng(7)
    x = np.maximum(rng.standard_normal((channels, tiles, side, side)), 0)  # behind a relu
    w = rng.standard_normal((filters, channels, size, size))
    outputs = side + 1 - size
    exact = correlated(x, w, outputs)
    g, b, a = (
        np.array(rows, float)
        for rows in (points.filter_rows(side, size), points.input_rows(side),
                     points.power_rows(side, outputs))
    )  # fmt: skip
    u = np.einsum("pi,fcij,qj->pqfc", g, w, g)
    v = np.einsum("pi,ctij,qj->pqct", b, x, b)
    through = np.einsum("pi,pqft,qj->ftij", a, rounded(u) @ rounded(v), a)
    direct = correlated(rounded(x), rounded(w), outputs)
    scale = abs(exact).max()
    row = {"what": f"{size}x{size} filters, tiles of {side}"}
    for name, found in (("direct", direct), ("Winograd", through)):
        difference = found - exact
        row |= {
            f"{name}, largest error": abs(difference).max() / scale,
            f"{name}, rms": np.sqrt((difference**2).mean() / (exact**2).mean()),
        }
    return row


def correlated(x: np.ndarray, w: np.ndarray, outputs: int) -> np.ndarray:
    """Correlate tiles (channels, tiles, side, side) with w: (filters, tiles, rows, columns)."""
    found = np.zeros((len(w), x.shape[1], outputs, outputs))
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            pixels = x[:, :, i : i + outputs, j : j + outputs]
            found += np.tensordot(w[:, :, i, j], pixels, 1)
    return found


# -- (3) AlexNet's step ----------------------------------------------------------------------------


def multiply_adds(net: str = NET, cases: int = CASES) -> tuple[int, int, int]:
    """Those of a training step: as computed, of full connections alone, and without Winograd."""
    computed = full = direct = 0
    for number, node in enumerate(shipped_graph(net).nodes):
        layer = node.layer
        if layer.type_name not in ("conv", "fc"):
            continue
        passes = 2 if number < 3 else 3  # the data need no gradient
        count = whole = cases * layer.multiply_adds()
        if layer.type_name == "conv":
            shape, groups, stride = layer.weights()[0].shape, layer.groups[0], layer.stride[0]
            outputs = (*node.shape, cases)
            found = tiling(shape, groups, stride, outputs)
            if found:
                terms = shape[0] * found.phases * layer.total
                count = cases * found.points * found.tiles(*outputs[1:3]) * terms
        else:
            full += passes * count
        computed += passes * count
        direct += passes * whole
    return computed, full, direct


def product_times(worker) -> dict[str, float]:
    """Seconds of each product of a training step by its name, each alone."""
    nodes = {
        node.name for node in shipped_graph(NET).nodes if node.layer.type_name in ("conv", "fc")
    }
    names = [name for name in calls_of(shipped_graph(NET)) if name.split()[0] in nodes]
    left_out = ("update", "conv1 images")  # the data need no gradient
    return {n: worker.ask("layer", call=n) for n in names if not n.endswith(left_out)}


def estimate(float_rate: float, half_rate: float, threads: int) -> list[dict]:
    """Rows: AlexNet's step as it is, and what it would be with products at these rates.

    The micro-kernels' rates count for as much as full connections reach of them in float32; what
    rounding costs is not counted.
    """
    with Bench(threads=threads).worker("ours", NET, CASES) as worker:
        worker.ask("step")
        step = min(in_turn({"ours": partial(worker.ask, "step")}, 2)["ours"])
        times = product_times(worker)
    computed, full, direct = (2 * count for count in multiply_adds())
    full_time = sum(seconds for name, seconds in times.items() if name.startswith("fc"))
    others = step - sum(times.values())
    share = full / full_time / float_rate
    saved = 1 - float_rate / half_rate  # of the time of a product
    ways = {
        "as it is, Winograd in float32": step,
        "full connections in bfloat16": step - full_time * saved,
        "all products in bfloat16, Winograd's too": step - computed / (share * float_rate) * saved,
        "all in bfloat16, direct": others + direct / (share * half_rate),
        "the same, at the micro-kernel's rate": others + direct / half_rate,
    }
    click.echo(f"\n{1e3 * others:.0f} ms of the step are no products; full connections reach "
               f"{share:.0%} of the float32 rate")  # fmt: skip
    return [{"what": what, "ms": 1e3 * s, "gain": step / s} for what, s in ways.items()]


@click.command(help=__doc__)
@click.option("--threads", default=2, show_default=True, help="Of all that is timed.")
def main(threads):
    if not llvm.get_host_cpu_features().get("avx512bf16"):
        raise click.ClickException(f"{processor()} has no AVX512-BF16")
    found = rates(threads)
    click.echo(table(found))
    click.echo("\n" + table([errors(side, size) for size in (3, 5) for side in points.SIDES]))
    float_rate, half_rate = (1e9 * found[row]["GFLOP/s"] for row in (0, 2))
    click.echo("\n" + table(estimate(float_rate, half_rate, threads)))
    click.echo(f"The goal is a gain of {GOAL}.")


if __name__ == "__main__":
    main()
