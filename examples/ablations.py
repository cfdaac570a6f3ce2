"""The paper's ablations (sections 3.3, 3.4, 4.1, 4.2, 7): a small network without one feature each.

    python examples/ablations.py                                # on `shapes`
    python examples/ablations.py --data cifar-10-batches-py

Each run is one `convnet train`, whose command line is printed.  The spec files are in
examples/ablations.  The table lists the mean and standard deviation of the test error over the
seeds, and of its difference to the full network of the same seed.  results.json holds all numbers.
An interrupted script continues where it stopped.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

import click

from convnet.journal import FILE_NAME, read
from convnet.stored.files import replacing

FILES = Path(os.path.relpath(Path(__file__).with_name("ablations")))
DATA = "shapes:side=28,train=2000,test=2000"
LINES_OF_ERROR = 20  # of a training that failed, to show


@dataclass(frozen=True)
class Variant:
    """A row of the table.  All others are compared with the first."""

    name: str
    section: str  # of the paper
    layers: str
    params: str
    options: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        return "-".join(self.name.split())

    def command(self, data: str, seed: int) -> list[str]:
        files = [
            "--layers",
            f"{FILES / self.layers}.cfg",
            "--params",
            f"{FILES / self.params}.params",
        ]
        return ["train", *files, "--data", data, *self.options, "--seed", str(seed)]


VARIANTS = (
    Variant("full", "", "full", "full"),
    Variant("without response normalization", "3.3", "no-norm", "no-norm"),
    Variant("without overlapping pooling", "3.4", "plain-pooling", "full"),
    Variant("without augmentation", "4.1", "full", "full", ("--no-augment",)),
    Variant("without dropout", "4.2", "full", "no-dropout"),
    Variant("one convolution less", "7", "one-conv-less", "one-conv-less"),
)


@dataclass(frozen=True)
class Result:
    """Errors (0 to 1) at the end of a run, and its duration in seconds."""

    test: float
    train: float
    seconds: float


def run(variant: Variant, data: str, seed: int, folder: Path, more: tuple[str, ...]) -> Result:
    """Return the result of a variant from its journal, training it first if it is not done.

    Raises click.ClickException with what `convnet train` said if it fails.
    """
    command = [*variant.command(data, seed), *more]
    click.echo(f"convnet {shlex.join(command)}")
    if not is_done(folder):
        # An interrupted run is resumed.
        begun = (folder / FILE_NAME).exists()
        tail = ["--resume", str(folder)] if begun else ["--save", str(folder)]
        command = ["train", *tail, *more] if begun else [*command, *tail]
        started = [sys.executable, "-m", "convnet", *command]
        done = subprocess.run(started, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            said = "\n".join(done.stderr.splitlines()[-LINES_OF_ERROR:])
            raise click.ClickException(f"convnet train ended with {done.returncode}:\n{said}")
    return result_of(read(folder))


def is_done(folder: Path) -> bool:
    last = read(folder)[-1] if (folder / FILE_NAME).exists() else {}
    return last.get("event") == "stop" and last.get("reason") == "done"


def result_of(records: list[dict]) -> Result:
    test, train = ([r for r in records if r["event"] == event] for event in ("test", "train"))
    seconds = sum(record.get("seconds", 0) for record in [*test, *train])
    last = test[-1]["step"]
    epoch = [r for r in train if r["step"] > last - last / max(train[-1]["epoch"], 1)]
    return Result(_error(test[-1]), mean(map(_error, epoch)), seconds)


def _error(record) -> float:
    return next(iter(record["costs"].values()))["top-1 error"]


def table(results: dict[str, list[Result]], data: str, minutes: float) -> str:
    """Return a Markdown table with one row for each variant."""
    full = [result.test for result in next(iter(results.values()))]
    lines = [
        "| network | paper | test error | difference to full | training error | seconds per run |",
        "|---|---|---|---|---|---|",
    ]
    for variant in VARIANTS:
        mine = results[variant.name]
        errors = [result.test for result in mine]
        differences = [a - b for a, b in zip(errors, full, strict=True)]
        lines.append(
            f"| {variant.name} | {variant.section} | {_spread(errors)} | "
            f"{_spread(differences, '+') if variant.section else ''} | "
            f"{mean(r.train for r in mine):.1%} | {mean(r.seconds for r in mine):.0f} |"
        )
    seeds = f"{len(full)} seeds" if len(full) > 1 else "one seed"
    return "\n".join([*lines, "", f"{data}, {seeds}, {minutes:.0f} minutes.", ""])


def write_results(results: dict[str, list[Result]], data: str, path: Path) -> None:
    """Write the results so far as JSON, a list for each network in the order of the seeds."""
    found = {name: [asdict(result) for result in mine] for name, mine in results.items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"data": data, "networks": found}, indent=1), "utf-8")


def _spread(values, sign="") -> str:
    """Return the mean and standard deviation, in percent."""
    spread = f" ± {stdev(values):.1%}" if len(values) > 1 else ""
    return f"{mean(values):{sign}.1%}{spread}"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--data", default=DATA, show_default=True, help="A data set with ten classes.")
@click.option("--seeds", default=3, show_default=True, help="Runs of each network.")
@click.option("--runs", type=click.Path(path_type=Path), default="ablations", show_default=True,
              help="Folder for the runs and the table.")  # fmt: skip
@click.argument("more", nargs=-1)
def main(data, seeds, runs, more):
    """Print and write the table of ablations.  MORE: further options of each `convnet train`."""
    started = time.perf_counter()
    results = {variant.name: [] for variant in VARIANTS}
    for seed in range(seeds):
        for variant in VARIANTS:
            found = run(variant, data, seed, runs / f"{variant.slug}-{seed}", more)
            click.echo(f"  {variant.name}, seed {seed}: {found.test:.2%} in {found.seconds:.0f} s")
            results[variant.name].append(found)
            write_results(results, data, runs / "results.json")
    text = table(results, data, (time.perf_counter() - started) / 60)
    (runs / "table.md").write_text(text, "utf-8")
    click.echo(f"\n{text}\n{runs / 'table.md'}")


if __name__ == "__main__":
    main()
