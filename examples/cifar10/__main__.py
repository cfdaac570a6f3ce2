"""`python -m examples.cifar10`: trains the nets with a published error and compares.

    python -m examples.cifar10 --data cifar-10-batches-py --corpus originals
    python -m examples.cifar10 --data ... --corpus ... --nets 80sec --scale 0.2

--corpus is a folder with the files of the originals, in cc1/example-layers, chm/example-layers and
cc2/layers, as in their repositories.  The same command continues what was stopped or killed; a
finished run is not trained again.
"""

from pathlib import Path

import click

from examples.arguments import FOLDER, SCALE, list_of, one_line_errors
from examples.cifar10.batches import originals_folder
from examples.cifar10.nets import BY_NAME, NETS, Net, check_corpus
from examples.cifar10.results import result_of, table
from examples.cifar10.training import Place, train
from examples.curves import curve_of, write_curves
from examples.outcomes import Result
from examples.records import write_records


@click.command()
@click.option("--data", required=True, type=FOLDER, help="CIFAR-10, as unpacked.")
@click.option("--corpus", required=True, type=FOLDER, help="The originals' files.")
@click.option("--runs", type=FOLDER, default=Path("cifar10"), show_default=True,
              help="Folder for the runs, the table and the results.")  # fmt: skip
@click.option("--nets", default=",".join(BY_NAME), callback=list_of(str, BY_NAME),
              show_default=True, help="Nets, separated by commas.")  # fmt: skip
@click.option("--seeds", default="1,2,3", callback=list_of(int), show_default=True,
              help="Seeds, separated by commas.")  # fmt: skip
@click.option("--scale", default=1.0, type=SCALE,
              show_default=True, help="Fraction of the epochs, for a quick look.")  # fmt: skip
@click.option("--only-table", is_flag=True, help="Train nothing; report what there is.")
@click.argument("more", nargs=-1)
def main(data, corpus, runs, nets, seeds, scale, only_table, more):
    """Train cuda-convnet's CIFAR-10 nets and print a table of their errors.

    MORE: further options of each `convnet train`, after --.
    """
    with one_line_errors():
        chosen = [BY_NAME[name] for name in nets]
        check_corpus(chosen, corpus)
        place = Place(runs, corpus, originals_folder(data, runs / "data"), scale, more)
        for net in chosen if not only_table else ():
            for seed in seeds:
                train(net, seed, place)
                report(place)
        click.echo(report(place))


def report(place: Place) -> str:
    """Write results.json, curves.csv and table.md of all runs in the folder; return the table."""
    results: list[Result] = []
    curves = {}
    for net in NETS:
        for seed in sorted(seeds_of(net, place.runs)):
            results.append(result_of(net, seed, place))
            curves[net.name, seed] = curve_of(place.folder(net, seed))
    place.runs.mkdir(parents=True, exist_ok=True)
    write_records(results, place.runs / "results.json")
    write_curves(curves, place.runs / "curves.csv")
    text = table(results, NETS)
    (place.runs / "table.md").write_text(text, "utf-8")
    return text


def seeds_of(net: Net, runs: Path) -> list[int]:
    """Return the seeds that a net has runs of."""
    endings = (path.name.removeprefix(f"{net.name}-") for path in runs.glob(f"{net.name}-*"))
    return [int(ending) for ending in endings if ending.isdecimal()]


if __name__ == "__main__":
    main()
