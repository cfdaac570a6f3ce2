"""`python -m examples.photos`: trains the paper's net on photographs and looks at it.

    convnet make-data --train caltech101.tar --hold-out 0.2 --out caltech101
    python -m examples.photos --data caltech101
    python -m examples.photos --data caltech101 --nets undivided --seeds 1     # a control

The same command continues what was stopped or killed; a finished run is not trained again.
"""

from functools import partial
from pathlib import Path

import click

from convnet.checkpoint import has_checkpoint
from convnet.data import open_dataset
from convnet.errors import DataError
from examples.arguments import FOLDER, SCALE, list_of, one_line_errors
from examples.curves import curve_of, write_curves
from examples.outcomes import Result, outcome
from examples.photos.figures import figure3, figure4
from examples.photos.nets import BY_NAME, NETS
from examples.photos.results import error_table, specialization_table
from examples.photos.specialization import Specialization, specialization
from examples.photos.training import Place, scores, train
from examples.records import write_records


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Photographs, from `convnet make-data`.")
@click.option("--runs", type=FOLDER, default=Path("photos"), show_default=True,
              help="Folder for the runs, the tables and the pictures.")  # fmt: skip
@click.option("--nets", default="alexnet", callback=list_of(str, BY_NAME), show_default=True,
              help=f"Nets, separated by commas: {', '.join(BY_NAME)}.")  # fmt: skip
@click.option("--seeds", default="1,2,3", callback=list_of(int), show_default=True,
              help="Seeds, separated by commas.")  # fmt: skip
@click.option("--scale", default=1.0, type=SCALE,
              show_default=True, help="Fraction of the epochs, for a quick look.")  # fmt: skip
@click.option("--only-table", is_flag=True, help="Train nothing; report what there is.")
@click.option("--figure4/--no-figure4", "draws_figure4", default=True, show_default=True,
              help="Draw the first net's predictions and neighbors, too.")  # fmt: skip
@click.argument("more", nargs=-1)
def main(data, runs, nets, seeds, scale, only_table, draws_figure4, more):
    """Train AlexNet on photographs, test it, draw its Figures 3 and 4, measure specialization.

    MORE: further options of each `convnet train`, after --.
    """
    with one_line_errors():
        place = Place(runs, data, classes_of(data), scale, more)
        for name in nets if not only_table else ():
            for seed in seeds:
                train(BY_NAME[name], seed, place)
                report(place)
        text = report(place)
        if draws_figure4 and has_checkpoint(place.folder(BY_NAME[nets[0]], seeds[0])):
            figure4(BY_NAME[nets[0]], seeds[0], place)
        click.echo(text)


def classes_of(data: Path) -> int:
    """Return how many classes the photographs have.  DataError if they are too small."""
    dataset = open_dataset(data)
    if dataset.channels != 3 or dataset.side < 224:
        raise DataError(
            f"{data}: must be color images of 224 pixels or more, not {dataset.describe()}"
        )
    return dataset.classes


def report(place: Place) -> str:
    """Write the results and pictures of all runs in the folder; return the tables."""
    results: list[Result] = []
    special: list[Specialization] = []
    curves = {}
    for net in NETS:
        for seed in seeds_of(net.name, place.runs):
            folder, of = place.folder(net, seed), place.stages[-1].until
            results.append(outcome(folder, net.name, seed, of, partial(scores, net, seed, place)))
            special.append(specialization(folder, net.name, seed))
            curves[net.name, seed] = curve_of(folder)
            figure3(net, seed, place)
    place.runs.mkdir(parents=True, exist_ok=True)
    write_records(results, place.runs / "results.json")
    write_records(special, place.runs / "specialization.json")
    write_curves(curves, place.runs / "curves.csv")
    text = f"{error_table(results)}\n{specialization_table(special)}"
    (place.runs / "table.md").write_text(text, "utf-8")
    return text


def seeds_of(net: str, runs: Path) -> list[int]:
    """Return the seeds that a net has checkpoints of, in ascending order."""
    folders = [path for path in runs.glob(f"{net}-*") if has_checkpoint(path)]
    endings = (path.name.removeprefix(f"{net}-") for path in folders)
    return sorted(int(ending) for ending in endings if ending.isdecimal())


if __name__ == "__main__":
    main()
