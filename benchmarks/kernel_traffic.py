"""The bytes that memory-bound CUDA kernels move, counted in their sources, not measured.

`python -m benchmarks.kernel_traffic` prints the table of docs/gpu.md.
"""

from typing import NamedTuple

_POOLED = (27 / 55) ** 2  # outputs a pixel, of the first pooling of AlexNet


class Traffic(NamedTuple):
    """Bytes a value that a kernel moves between memory and caches, in float32, not accumulating.

    value: of what.  least: if each number were read and written once, and everything recomputed
    that can be.  again: what it reads once more from the caches.
    """

    kernel: str
    value: str
    moved: float
    least: float
    again: str = ""


TRAFFIC = (
    Traffic("biases and neuron (`epilogue`)", "output", 8, 8),
    Traffic("`neuron.forward`", "value", 8, 8),
    Traffic("`neuron.backward`, with sums for biases or without", "value", 12, 12),
    Traffic("`bias.grad`", "value", 4, 4),
    Traffic("`dropout.forward`", "value", 9, 8),
    Traffic("`dropout.backward`", "value", 9, 8),
    Traffic("`cmrnorm.forward`", "value", 8, 8, "x, 4 of 32 channels"),
    Traffic("`cmrnorm.backward`", "value", 12, 12, "x, 8 of 32 channels; dy, 4"),
    Traffic("`cmrnorm.forward`, long or blocked windows", "value", 12, 8, "x, the window"),
    Traffic("`cmrnorm.backward`, the same", "value", 20, 12, "y, dy, denom, the window"),
    Traffic("`rnorm.forward`", "value", 12, 8, "x, the window"),
    Traffic("`rnorm.backward`", "value", 20, 12, "y, dy, denom, the window"),
    Traffic("`pool.forward`, 3x3 by 2", "pixel", 4 + 4 * _POOLED, 4 + 4 * _POOLED, "x, 1.25 times"),
    Traffic(
        "`pool.backward`, max, 3x3 by 2", "pixel", 8 + 8 * _POOLED, 8 + 8 * _POOLED,
        "y, dy, 1.25 times or more",
    ),
    Traffic("`softmax.forward`", "value", 8, 8),
    Traffic("`softmax.backward`", "value", 12, 12),
    Traffic("`cost_logreg.forward`", "probability", 4, 4),
    Traffic("`cost_logreg.backward`", "probability", 8, 8),
    Traffic("`update.sgd`", "weight", 20, 20),
    Traffic("`update.by_deviation`", "weight", 36, 36),
    Traffic("`update.weight_ball`, `update.contrast`", "weight", 8, 8, "w, once or twice"),
    Traffic("`elementwise.scale`", "value", 8, 8),
    Traffic("`elementwise.scale`, adding", "value", 12, 12),
    Traffic("`elementwise.weighted_sum`", "value", 12, 12),
    Traffic("`eltmax.forward`", "value", 12, 12),
    Traffic("`eltmax.backward`", "value", 16, 16),
    Traffic("`transfer.copy_half`, the rounding", "value", 8, 8),
)  # fmt: skip


def untouched(operation: str, arguments: dict) -> set[str]:
    """Return the names of the array arguments that a step's kernels neither read nor write.

    arguments: of the step, by name.
    """
    if operation.startswith("cmrnorm."):
        from convnet.backends.cuda.kernels.cmrnorm_ring import fits  # Numba is slow to import

        if fits(arguments["size"], arguments["blocked"]):
            return {"denominators"} if operation == "cmrnorm.forward" else {"y", "denominators"}
    if operation in ("neuron.backward", "neuron.backward_fused"):
        return _unread_by_derivative(arguments["kind"])
    return set()


def _unread_by_derivative(kind):
    if kind in ("ident", "linear"):
        return {"x", "y"}
    return {"y"} if kind in ("drelu", "abs", "square", "log") else {"x"}


def table() -> str:
    lines = [
        "| kernel | a | bytes | least | ratio | read again from caches |",
        "|---|---|---|---|---|---|",
    ]
    for row in TRAFFIC:
        ratio = row.moved / row.least
        numbers = f"{row.moved:.3g} | {row.least:.3g} | {ratio:.2f}"
        lines.append(f"| {row.kernel} | {row.value} | {numbers} | {row.again} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
