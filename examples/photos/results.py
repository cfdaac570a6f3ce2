"""The tables of the runs on photographs."""

from collections.abc import Iterable
from typing import Any

from examples.outcomes import Result, spread
from examples.photos.nets import BY_NAME, NETS
from examples.photos.specialization import NOISE, Specialization


def error_table(results: list[Result]) -> str:
    """Return a Markdown table of the errors, with a row for each run."""
    lines = [
        "| net | seed | epochs | one view | ten views | gain, points | top-5, ten views "
        "| hours | images a second |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for net in NETS:
        lines += [_error_row(result) for result in results if result.net == net.name]
    means = [line for net in NETS if (line := _mean_line(net.name, results))]
    return "\n".join([*lines, "", *means]).rstrip() + "\n"


def _error_row(result: Result) -> str:
    epochs = f"{result.epochs:.0f}" if result.error is not None else (
        f"{result.epochs:.0f} of {result.of}"
    )  # fmt: skip
    errors = "not finished |  |  | "
    if result.test_error is not None and result.views_error is not None:
        gain = 100 * (result.test_error - result.views_error)
        top5 = "" if result.top5_error is None else f"{result.top5_error:.2%}"
        errors = f"{result.test_error:.2%} | {result.views_error:.2%} | {gain:.2f} | {top5}"
    hours, speed = result.seconds / 3600, result.images_per_second
    return f"| {result.net} | {result.seed} | {epochs} | {errors} | {hours:.2f} | {speed:,.0f} |"


def _mean_line(net: str, results: list[Result]) -> str:
    """Return a line about several finished runs of a net."""
    done = [r for r in results if r.net == net and r.error is not None]
    if len(done) < 2:
        return ""
    one, ten = ([float(value) for value in values] for values in (
        [r.test_error or 0 for r in done], [r.error or 0 for r in done]
    ))  # fmt: skip
    return f"{net}, {len(done)} seeds: {spread(one)} on one view, {spread(ten)} on ten.  "


def specialization_table(found: Iterable[Specialization]) -> str:
    """Return a Markdown table of the halves' color, with a row for each run."""
    lines = [
        "| net | seed | epochs | color of each half | difference | shuffled | p | color of the "
        "halves' energy | with the initial values |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in sorted(found, key=lambda one: (list(BY_NAME).index(one.net), one.seed)):
        shares, energy, raw = (
            " and ".join(f"{share:.3f}" for share in pair)
            for pair in (one.halves, one.of_energy, one.raw)
        )
        lines.append(
            f"| {one.net} | {one.seed} | {one.epochs:.0f} | {shares} | {one.difference:.3f} | "
            f"{one.shuffled:.3f} | {one.p:.2g} | {energy} | {raw} |"
        )
    about = f"Filters of noise, such as the initial ones, have {NOISE:.3f}."
    return "\n".join([*lines, "", about]) + "\n"


def figure4_table(found: dict[str, Any]) -> str:
    """Return a Markdown table of Figure 4: predictions and neighbors, by name."""
    head = "| photograph of | most probable classes | nearest training photographs |"
    lines = [head, "|---|---|---|"]
    for case in found["cases"]:
        top = ", ".join(f"{_bold(name, case['true'])} {share:.0%}" for name, share in case["top"])
        near = ", ".join(_bold(name, case["true"]) for name, _ in case["neighbors"])
        lines.append(f"| {case['true']} | {top} | {near} |")
    about = f"{found['net']}, seed {found['seed']}, after {found['epochs']:g} epochs."
    return "\n".join([*lines, "", about]) + "\n"


def _bold(name: str, true: str) -> str:
    return f"**{name}**" if name == true else name
