"""The paper's Figures 3 and 4 from a run: pictures, and what they show as numbers and names.

The pictures of Figure 4 contain photographs, so they stay with the runs.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from convnet.checkpoint import newest
from convnet.data import open_dataset
from convnet.report.figures.predictions import Prediction, predictions_picture
from convnet.stored.files import replacing
from convnet.train.prediction_files import Predictions, read_predictions
from examples.photos.nets import Net
from examples.photos.training import Place, devices
from examples.stages import call, epochs_done

SHOWN = 8  # test photographs, as in the paper
NEIGHBORS = 6
_CHOICE = 4  # the seed that chooses them


@dataclass(frozen=True)
class Case:
    """A test photograph of Figure 4.

    case: its number in the test set.  top: the five most probable classes with their probabilities.
    neighbors: the classes of the nearest training photographs by the last hidden layer, with their
    distances, the nearest first.
    """

    case: int
    true: str
    top: list[tuple[str, float]]
    neighbors: list[tuple[str, float]]


def figure3(net: Net, seed: int, place: Place) -> Path:
    """Draw the filters of the first layer and return the picture."""
    out = place.runs / f"figure3-{net.name}-{seed}.png"
    call(["show-filters", "--load", str(place.folder(net, seed)), "--out", str(out)])
    return out


def figure4(net: Net, seed: int, place: Place) -> Path:
    """Write figure4.json for a run, and both pictures beside it; return the folder.

    The test and the features, which take a minute each, are kept for the run's newest checkpoint.
    """
    run = place.folder(net, seed)
    folder = place.runs / f"figure4-{net.name}-{seed}" / newest(run).stem
    found = _predictions(net, run, place, folder / "predictions")
    chosen = choice(len(found.labels))
    _draw_predictions(found, chosen, place, folder / "predictions.png")
    near = _neighbors(net, run, place, folder, chosen)
    cases = [case_of(found, number, near[number]) for number in chosen]
    facts = {"net": net.name, "seed": seed, "epochs": round(epochs_done(run), 3)}
    with replacing(place.runs / "figure4.json") as temporary:
        text = json.dumps({**facts, "cases": [asdict(case) for case in cases]}, indent=1)
        temporary.write_text(text + "\n", "utf-8")
    return folder


def choice(cases: int) -> list[int]:
    """Return the numbers of the test photographs that are shown, in ascending order."""
    order = np.random.default_rng(_CHOICE).permutation(cases)
    return sorted(order[:SHOWN].tolist())


def case_of(found: Predictions, number: int, near: list[dict]) -> Case:
    """Return what the figure shows of a test photograph.  near: of `convnet neighbors --json`."""
    probabilities = found.by_views[max(found.by_views)][:, number]
    likeliest = np.argsort(-probabilities, kind="stable")[:5].tolist()
    names = found.class_names
    return Case(
        case=number,
        true=names[found.labels[number]],
        top=[(names[label], round(float(probabilities[label]), 4)) for label in likeliest],
        neighbors=[(names[one["label"]], round(one["distance"], 2)) for one in near],
    )


def _predictions(net: Net, run: Path, place: Place, folder: Path) -> Predictions:
    if not folder.is_dir():
        options = ["--data", str(place.data), *devices(net), "--test-out", str(folder)]
        call(["test", "--load", str(run), *options])
    return read_predictions(folder)


def _draw_predictions(found: Predictions, chosen: list[int], place: Place, out: Path) -> None:
    images = open_dataset(place.data).images("test", np.array(chosen))
    probabilities = found.by_views[max(found.by_views)]
    drawn = [
        Prediction(image, probabilities[:, number], int(found.labels[number]))
        for image, number in zip(images, chosen, strict=True)
    ]
    title = "Test photographs and their most probable classes"
    predictions_picture(drawn, found.class_names, title).save(out)


def _neighbors(
    net: Net, run: Path, place: Place, folder: Path, chosen: list[int]
) -> dict[int, list[dict]]:
    """Draw the nearest training photographs, and return them by test case."""
    features = folder / "features"
    if not (features / "features.json").is_file():
        wanted = ["--write-features", net.features, "--split", "both"]
        options = ["--data", str(place.data), *devices(net), "--feature-path", str(features)]
        call(["test", "--load", str(run), *wanted, *options])
    cases = [f"--case={number}" for number in chosen]
    search = ["neighbors", "--features", str(features), *cases, "--neighbors", str(NEIGHBORS)]
    call([*search, "--out", str(folder / "neighbors.png")])
    queries = json.loads(call([*search, "--json"], subprocess.PIPE))["queries"]
    return {query["case"]: query["neighbors"] for query in queries}
