"""What the runs of a folder came to: a record for each net and seed, and their table."""

from collections.abc import Iterable
from statistics import mean, median

from examples.cifar10.nets import Net
from examples.cifar10.training import Place, scores
from examples.outcomes import Result, outcome, spread


def result_of(net: Net, seed: int, place: Place) -> Result:
    """Return the result of a run so far; it is tested first if it is finished."""
    of = place.stages(net)[-1].until
    return outcome(place.folder(net, seed), net.name, seed, of, lambda: scores(net, seed, place))


# -- the table -------------------------------------------------------------------------------------


def table(results: list[Result], nets: Iterable[Net], with_missing: bool = False) -> str:
    """Return a Markdown table with a row for each net that has runs; or for each, if asked."""
    lines = [
        "| net | published | here: mean (range) | seeds | epochs | hours a run | images a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for net in nets:
        mine = [result for result in results if result.net == net.name]
        if mine:
            lines.append(_row(net, mine))
        elif with_missing:
            of = net.stages[-1].until
            lines.append(f"| {net.name} | {_published(net)} | not run yet | 0 | {of} |  |  |")
    return "\n".join(lines) + "\n"


def _row(net, results):
    done = [result for result in results if result.error is not None]
    unfinished = [result for result in results if result.error is None]
    errors = [result.error for result in done]
    views = f", {done[0].views} views" if net.crops and done else ""
    shown = f"{spread(errors)}{views}" if errors else "not finished"
    seeds = f"{len(done)}" + "".join(
        f"; seed {r.seed} at epoch {r.epochs:.0f} of {r.of}" for r in unfinished
    )
    hours = f"{mean(r.seconds for r in done) / 3600:.2f}" if done else ""
    speed = f"{median(r.images_per_second for r in results):,.0f}"
    return (
        f"| {net.name} | {_published(net)} | {shown} | {seeds} | {results[0].of} | {hours} | "
        f"{speed} |"
    )


def _published(net):
    return "none" if net.published is None else f"{net.published:g} %"
