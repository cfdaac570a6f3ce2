"""Makes the weights that come with convnet from finished runs.

    python -m examples.publish RUN... --data cifar-10-batches-py

Of each run the newest checkpoint is written to convnet/nets/trained under the name of its shipped
net: weights only, as 16-bit floats, with where they come from.  It is tested before and after
rounding.  A README beside the files repeats what they say of themselves.
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from textwrap import fill

import click
import numpy as np

from convnet import checkpoint, nets
from convnet.checkpoint import Checkpoint
from convnet.checkpoint.contents import OF_TRAINING
from convnet.errors import ConvnetError
from convnet.language import Source
from convnet.stored.files import replacing
from examples.arguments import one_line_errors
from examples.stages import call

MOST = 600_000  # bytes of a file
_PATH = click.Path(exists=True, path_type=Path)
DATA = "cifar-10-batches-py"  # the name of the unpacked archive
CIFAR10 = (
    "CIFAR-10's 50,000 training images (Krizhevsky, Learning Multiple Layers of Features from Tiny "
    "Images, 2009), from a copy whose images had been compressed as JPEG files of quality 75 with "
    "halved colors"
)
RIGHTS = (
    "the data set's page states no license and asks to cite that report; its images were collected "
    "on the web. Of them the file contains the mean only"
)


def published(saved: Checkpoint, name: str, provenance: dict[str, str]) -> Checkpoint:
    """Return a checkpoint without what only training needs, with its weights as 16-bit floats.

    name: of the shipped net that it is.  Paths of the machine that trained it are replaced by names
    of what is there everywhere.  Raises ConvnetError if a weight is too large for 16 bits.
    """
    with np.errstate(over="ignore"):
        arrays = {
            key: array.astype(np.float16) if array.dtype.kind == "f" else array
            for key, array in saved.arrays.items()
            if not key.endswith(OF_TRAINING)
        }
    wrong = [key for key, array in arrays.items() if not np.isfinite(array).all()]
    if wrong:
        raise ConvnetError(f"{saved.path}: {wrong[0]} does not fit into 16-bit floats")
    options = saved.options | {"data_options": saved.options["data_options"] | {"data": DATA}}
    return replace(
        saved,
        arrays=arrays,
        layers=Source(f"layers/{name}.cfg", saved.layers.text),
        params=Source(f"params/{name}.params", saved.params.text),
        options=options,
        history={},
        data=DATA,
        provenance=provenance,
    )


def name_of(saved: Checkpoint) -> str:
    """Return the shipped net that a run trained.  Raises ConvnetError if it is none."""
    for net in nets.shipped():
        if net.layers.read_text("utf-8") == saved.layers.text:
            return net.name
    raise ConvnetError(f"{saved.path}: trains no net that comes with convnet")


def provenance_of(name: str, saved: Checkpoint, before: float, after: float) -> dict[str, str]:
    """Return where weights come from.  before, after: test errors, with 32 and with 16 bits."""
    command = f"convnet train --layers {name} --data {DATA} --seed {saved.seed}"
    if saved.params.text != nets.params_file(Path(name), None).read_text("utf-8"):
        raise ConvnetError(f"{saved.path}: was not trained with params/{name}.params")
    return {
        "command": command,
        "epochs": f"{saved.position.epochs:g}",
        "data": CIFAR10,
        "rights": RIGHTS,
        "test error": f"{after:.2%} of the 10,000 test images",
        "rounding": f"to 16-bit floats; {before:.2%} before",
    }


def test_error(path: Path, data: Path) -> float:
    """Return the test error of a checkpoint, 0 to 1."""
    text = call(["test", "--load", str(path), "--data", str(data), "--json"], subprocess.PIPE)
    return json.loads(text)["tests"][0]["top1_error"]


def publish(run: Path, data: Path, folder: Path) -> Path:
    """Write the weights of a run into a folder, and return the file.

    Raises ConvnetError if the run is not finished or not of a shipped net, or the file too large.
    """
    found = checkpoint.load_newest(run)
    saved = found.checkpoint
    if saved.position.epochs < saved.options["epochs"]:
        done, of = saved.position.epochs, saved.options["epochs"]
        raise ConvnetError(f"{run}: is not finished, it has {done:g} of {of:g} epochs")
    name = name_of(saved)
    folder.mkdir(parents=True, exist_ok=True)
    path, trial = folder / f"{name}.safetensors", folder / f".{name}.safetensors"
    try:
        checkpoint.save(trial, published(saved, name, {}))
        errors = test_error(found.path, data), test_error(trial, data)
    finally:
        trial.unlink(missing_ok=True)
    checkpoint.save(path, published(saved, name, provenance_of(name, saved, *errors)))
    if (size := path.stat().st_size) > MOST:
        path.unlink()
        raise ConvnetError(f"{path}: would have {size:,} bytes; at most {MOST:,} are published")
    return path


def readme(folder: Path) -> str:
    """Return the page about the weights in a folder, from what the files say."""
    lines = [
        "# Trained nets",
        "",
        "Weights that come with convnet: `convnet predict --load NAME`, `convnet train --init-from "
        "NAME`",
        "([docs/nets.md](../../../docs/nets.md#weights)). `python -m examples.publish` writes the "
        "files and this page.",
    ]
    for path in sorted(folder.glob("*.safetensors")):
        lines += ["", f"## {path.stem}", "", f"* size: {path.stat().st_size:,} bytes"]
        facts = checkpoint.read_header(path)["provenance"]
        for key, text in facts.items():
            shown = f"`{text}`" if key == "command" else text
            lines.append(fill(f"{key}: {shown}", 110, initial_indent="* ", subsequent_indent="  "))
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("runs", nargs=-1, type=_PATH)
@click.option("--data", required=True, type=_PATH, help="CIFAR-10, as unpacked.")
@click.option("--folder", type=click.Path(path_type=Path), default=nets.TRAINED, show_default=True,
              help="Folder to write to.")  # fmt: skip
def main(runs, data, folder):
    """Write the weights of finished RUNS, and a README, for the package."""
    with one_line_errors():
        for run in runs:
            click.echo(f"{publish(run, data, folder)}")
        with replacing(folder / "README.md") as temporary:
            temporary.write_text(readme(folder), "utf-8")


if __name__ == "__main__":
    main()
