"""Collects the results of the experiments and writes the tables and plots of docs/results.md.

    python -m examples.results --collect FOLDER     # then look at `git diff docs`
    python -m examples.results                      # the tables and plots alone

FOLDER is where the experiments ran, with the folders cifar10, figure1, ablations and photos that
they write by default.  What is missing keeps its stored results, and so do the other nets and seeds
of an experiment: further seeds can be trained on another machine.
"""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click

from convnet.errors import ConvnetError
from convnet.report import page_tables
from convnet.stored.files import replacing
from examples.cifar10 import jpeg
from examples.cifar10.nets import NETS
from examples.cifar10.results import table
from examples.curve_plot import curves_svg
from examples.curves import read_curves, write_curves
from examples.outcomes import Result, spread
from examples.photos.results import error_table, figure4_table, specialization_table
from examples.photos.specialization import Specialization
from examples.records import read_records, write_records
from examples.torch_table import costs_table, speeds_table

PAGE = Path(__file__).parent.parent / "docs" / "results.md"
STORED = PAGE.with_name("results")  # the results that the tables are made from
_MOST_POINTS = 100  # of a curve of Figure 1
_NOT_RUN = "Not run yet.\n"


_BY_SEED: dict[str, tuple[str, type]] = {  # records of a net and a seed each
    "cifar10/results.json": ("cifar10.json", Result),
    "photos/results.json": ("photos.json", Result),
    "photos/specialization.json": ("photos-specialization.json", Specialization),
}
_AS_WRITTEN = {
    "cifar10/jpeg.json": "jpeg.json",
    "cifar10/jpeg-18pct.json": "jpeg-18pct.json",
    "photos/figure4.json": "photos-figure4.json",
    "torch-costs.json": "torch-costs.json",
    "published-nets.json": "published-nets.json",
}
_CURVES = {
    "cifar10": "The originals' files on CIFAR-10",
    "photos": "AlexNet on Caltech-101",
}
_ABLATIONS = "ablations", "ablations-10000"
_CLAIMS = {  # of the paper, about ImageNet, by the network without the feature
    "without response normalization": "+1.4 (3.3)",
    "without overlapping pooling": "+0.4 (3.4)",
    "without augmentation": "substantial overfitting (4.1)",
    "without dropout": "substantial overfitting (4.2)",
    "one convolution less": "about +2 (7)",
}


# -- collecting ------------------------------------------------------------------------------------


def collect(source: Path, stored: Path) -> None:
    """Copy what the experiments in a folder wrote, without what is too fine for a page."""
    stored.mkdir(parents=True, exist_ok=True)
    for place, (name, kind) in _BY_SEED.items():
        if found := read_records(kind, source / place):
            runs = [*read_records(kind, stored / name), *found]
            by_seed = {(run.net, run.seed): run for run in runs}
            write_records(_in_order(by_seed).values(), stored / name)
    for place, name in _AS_WRITTEN.items():
        if (path := source / place).is_file():
            with replacing(stored / name) as temporary:
                temporary.write_bytes(path.read_bytes())
    for name in _ABLATIONS:
        if (path := source / name / "results.json").is_file():
            networks = json.loads(path.read_text("utf-8"))["networks"]  # not where the data lay
            with replacing(stored / f"{name}.json") as temporary:
                temporary.write_text(json.dumps(networks, indent=1) + "\n", "utf-8")
    for name in _CURVES:
        if curves := read_curves(source / name / "curves.csv"):
            path = stored / f"{name}-curves.csv"
            write_curves(_in_order(read_curves(path) | curves), path)
    pictures = sorted((source / "photos").glob("figure3-alexnet-*.png"))
    if pictures:
        with replacing(stored / "photos-figure3.png") as temporary:
            temporary.write_bytes(pictures[-1].read_bytes())  # of the seed that Figure 4 shows
    if (source / "figure1").is_dir():
        collect_figure1(source / "figure1", stored / "figure1.csv")


def _in_order(runs: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
    """Return the runs net by net, as the nets first appear, and each net's by seed."""
    nets = list(dict.fromkeys(net for net, _ in runs))
    keys = sorted(runs, key=lambda key: (nets.index(key[0]), key[1]))
    return {key: runs[key] for key in keys}


def collect_figure1(folder: Path, path: Path) -> None:
    """Write the curves of examples/figure1.py as CSV, about 100 points each at most."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["neuron", "rate", "seed", "reached", "iteration", "training_error"])
        for found in sorted(folder.glob("*.json")):
            curve = json.loads(found.read_text("utf-8"))["curve"]
            key = [curve[name] for name in ("neuron", "rate", "seed", "reached")]
            points = curve["points"]
            every = -(-len(points) // _MOST_POINTS) or 1
            kept = points[::every] + ([points[-1]] if (len(points) - 1) % every else [])
            out.writerows([*key, step, f"{error:.4f}"] for step, error in kept or [(0, 1.0)])


# -- tables ----------------------------------------------------------------------------------------


def published(stored: Path) -> str:
    """The table of the nets with a published error."""
    return table(read_records(Result, stored / "cifar10.json"), NETS, with_missing=True)


def schedules(stored: Path) -> str:
    """The table of the nets' schedules and where they come from."""
    lines = ["| net | epochs, data batches, divisor of the rates | source |", "|---|---|---|"]
    for net in NETS:
        parts, begin = [], 0
        for stage in net.stages:
            divisor = f", /{stage.divisor}" if stage.divisor > 1 else ""
            parts.append(f"{stage.until - begin} on {stage.train}{divisor}")
            begin = stage.until
        lines.append(f"| {net.name} | {'; '.join(parts)} | {net.source} |")
    return "\n".join(lines) + "\n"


def compression(stored: Path, name: str = "jpeg") -> str:
    """The table of further compressed images."""
    copies = read_records(jpeg.Copy, stored / f"{name}.json")
    return jpeg.table(copies, (6.0, 12.0)) if copies else _NOT_RUN


def compression_18pct(stored: Path) -> str:
    """The same of another net."""
    return compression(stored, "jpeg-18pct")


def figure1(stored: Path) -> str:
    """The table of iterations to the target of Figure 1, for each network and rate."""
    path = stored / "figure1.csv"
    if not path.is_file():
        return _NOT_RUN
    with path.open(newline="") as file:
        runs = {(r["neuron"], float(r["rate"]), int(r["seed"])): r for r in csv.DictReader(file)}
    lines = ["| neuron | rate | iterations of each seed | at the end |", "|---|---|---|---|"]
    for neuron, rate in dict.fromkeys((neuron, rate) for neuron, rate, _ in sorted(runs)):
        mine = [row for (n, r, _), row in sorted(runs.items()) if (n, r) == (neuron, rate)]
        reached = ", ".join(row["reached"] or f"not by {row['iteration']}" for row in mine)
        last = mean(float(row["training_error"]) for row in mine)
        lines.append(f"| {neuron} | {rate:g} | {reached} | {last:.1%} |")
    return "\n".join(lines) + "\n"


def ablations(stored: Path) -> str:
    """The table of the networks without one feature each."""
    return _ablation_table(stored / "ablations.json")


def ablations_10000(stored: Path) -> str:
    """The same, trained on a fifth of the images."""
    return _ablation_table(stored / "ablations-10000.json")


def _ablation_table(path: Path) -> str:
    if not path.is_file():
        return _NOT_RUN
    networks = json.loads(path.read_text("utf-8"))
    full = [run["test"] for run in next(iter(networks.values()))]
    lines = [
        "| network | paper, top-1 | test error: mean (range) | difference to full, points | "
        "training error | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in networks.items():
        if not runs:
            continue
        errors = [run["test"] for run in runs]
        gaps = [100 * (mine - theirs) for mine, theirs in zip(errors, full, strict=False)]
        deviation = f" ± {stdev(gaps):.2f}" if len(gaps) > 1 else ""
        shown = "" if name == "full" else f"{mean(gaps):+.2f}{deviation}"
        trained = mean(run["train"] for run in runs)
        lines.append(
            f"| {name} | {_CLAIMS.get(name, '')} | {spread(errors)} | {shown} | {trained:.1%} | "
            f"{len(errors)} |"
        )
    return "\n".join(lines) + "\n"


def photos(stored: Path) -> str:
    """The table of the errors on photographs."""
    results = read_records(Result, stored / "photos.json")
    return error_table(results) if results else _NOT_RUN


def photos_specialization(stored: Path) -> str:
    """The table of the color of both halves of the first layer."""
    found = read_records(Specialization, stored / "photos-specialization.json")
    return specialization_table(found) if found else _NOT_RUN


def _of_json(path: Path, table: Callable) -> str:
    return table(json.loads(path.read_text("utf-8"))) if path.is_file() else _NOT_RUN


def photos_figure4(stored: Path) -> str:
    """The table of predictions and neighbors."""
    return _of_json(stored / "photos-figure4.json", figure4_table)


def torch_speeds(stored: Path) -> str:
    """The table of the speeds of the originals' nets beside PyTorch's."""
    return _of_json(stored / "published-nets.json", speeds_table)


def torch_costs(stored: Path) -> str:
    """The table of the costs beside PyTorch's."""
    return _of_json(stored / "torch-costs.json", costs_table)


TABLES: dict[str, Callable[[Path], str]] = {
    function.__name__: function
    for function in (
        published,
        schedules,
        compression,
        compression_18pct,
        figure1,
        ablations,
        ablations_10000,
        photos,
        photos_specialization,
        photos_figure4,
        torch_costs,
        torch_speeds,
    )
}


def with_tables(text: str, stored: Path) -> str:
    """Return a page with the tables of the stored results (see convnet.report.page_tables)."""
    tables = {name: partial(function, stored) for name, function in TABLES.items()}
    return page_tables.with_tables(text, tables, str(PAGE))


# -- plots -----------------------------------------------------------------------------------------


def write_plots(stored: Path) -> None:
    """Draw the stored curves, one SVG file for each experiment that has any."""
    for name, title in _CURVES.items():
        if curves := read_curves(stored / f"{name}-curves.csv"):
            with replacing(stored / f"{name}-curves.svg") as temporary:
                temporary.write_text(curves_svg(curves, title), "utf-8")


@click.command()
@click.option("--collect", "source", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder where the experiments ran.")  # fmt: skip
def main(source):
    """Write the tables and plots of docs/results.md from the stored results."""
    if source:
        collect(source, STORED)
    write_plots(STORED)
    try:
        text = with_tables(PAGE.read_text("utf-8"), STORED)
    except ConvnetError as error:
        raise click.ClickException(str(error)) from None
    with replacing(PAGE) as temporary:
        temporary.write_text(text, "utf-8")
    size = sum(path.stat().st_size for path in STORED.iterdir()) if STORED.is_dir() else 0
    click.echo(f"{PAGE}, from {size / 1000:.0f} kB of results")


if __name__ == "__main__":
    main()
