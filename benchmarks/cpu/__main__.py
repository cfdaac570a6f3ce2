"""Training and testing on the CPU beside PyTorch: `python -m benchmarks.cpu`, or `make bench`.

Processes of ours and of PyTorch's take turns on the same threads, shapes and work; of PyTorch's
memory formats and torch.compile the best counts.  A ratio is their time / ours, the median of the
pairs of the rounds, with its extremes.
"""

import os
from pathlib import Path

import click

from benchmarks.cpu.bench import PACKAGES, PARTS, RIVALS, Bench
from benchmarks.tables import add_results, machine, table

RESULTS = Path(__file__).parents[1] / "results" / "cpu.json"


def stored_part(part: str, cases: int | None) -> str:
    """Return what a part is called in the results; cases: None for its own minibatch."""
    if cases is None:
        return part
    return f"{part}, {cases} case{'s' if cases > 1 else ''}"


@click.command(help=__doc__)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these parts.")
@click.option("--threads", default=os.cpu_count() or 1, show_default=True)
@click.option("--rounds", type=int, help="Pairs of measurements; by default enough for each part.")
@click.option("--cases", type=int, help="Cases of a minibatch, instead of each part's own.")
@click.option(
    "--only", default="", help="Of layers and functions: those whose line holds this text."
)
@click.option(
    "--rival",
    "rivals",
    multiple=True,
    type=click.Choice(RIVALS),
    default=RIVALS,
    help="Only these of PyTorch's ways.",
)
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(parts, threads, rounds, cases, only, rivals, path):
    bench = Bench(threads, rounds, cases, only, rivals)
    for part in parts or PARTS:
        name, rows, facts = stored_part(part, cases), [], machine(threads, PACKAGES)
        for row in bench.run(part):  # written at once: a run that is cut off leaves what it has
            rows.append(row)
            if bench.peak:
                facts["matrix product, GFLOP/s"] = round(bench.peak / 1e9, 1)
            add_results(path, name, facts, [row])
        click.echo(f"\n{name}\n{table(rows)}")
        if bench.peak:
            click.echo(f"a large matrix product: {bench.peak / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
