"""The tables of the costs and of the speed of training steps beside PyTorch's."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

_FIRST = 10


def costs_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table with a row for each result of `benchmarks.torch_costs --out`."""
    lines = [
        "| values | widths | minibatches | cost at the first and last | largest difference to "
        f"PyTorch | of the first {_FIRST} | PyTorch's single and double precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in results:
        gaps = np.abs(np.subtract(found["ours"], found["torch"]))
        widths = "all" if found["divided"] == 1 else f"divided by {found['divided']}"
        apart = ""
        if found["torch_double"]:
            apart = f"{np.abs(np.subtract(found['torch'], found['torch_double'])).max():.1e}"
        lines.append(
            f"| {found['real']} | {widths} | {len(gaps)} of {found['cases']} | "
            f"{found['ours'][0]:.4f}, {found['ours'][-1]:.4f} | {gaps.max():.1e} | "
            f"{gaps[:_FIRST].max():.1e} | {apart} |"
        )
    return "\n".join(lines) + "\n"


def speeds_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table with a row for each result of `benchmarks.published_nets --out`."""
    lines = ["| net | convnet, images a second | PyTorch | ratio |", "|---|---|---|---|"]
    for found in results:
        ratios = sorted(found["ratios"])
        lines.append(
            f"| {found['net']} | {found['ours']:,} | {found['torch']:,} | {median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    return "\n".join(lines) + "\n"
