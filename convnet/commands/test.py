"""`convnet test`: top-1 and top-5 errors of a checkpoint, single view and many."""

import json
from pathlib import Path

import click
import numpy as np

from convnet.commands import features
from convnet.commands.output import note, result, result_json
from convnet.commands.ready import Ready, ready
from convnet.errors import ConvnetError
from convnet.train.views import evaluate_views

TOPK = 5


def test(**given) -> None:
    if (given["write_features"] is None) != (given["feature_path"] is None):
        raise click.UsageError("--write-features LAYER and --feature-path DIR need each other.")
    if given["split"] and not given["write_features"]:
        raise click.UsageError("--split says whose features are written: give --write-features.")
    found = ready(given)
    if given["write_features"]:
        features.write(found, given)
        return
    counts = [1, found.all_views] if given["multiview"] else [1]
    dataset = found.feed.dataset
    if found.all_views in counts and found.all_views == 10 and not dataset.mirrors:
        note(f"{dataset.name}: half of the ten views are mirrored, which this set is not made for")
    scores = [_score(found, views, given) for views in counts]
    if given["test_out"]:
        _write_predictions(found, scores[-1], given["test_out"])
    if given["as_json"]:
        result_json(_facts(found, scores))
    else:
        _print(found, scores)


def _score(found: Ready, views, given):
    return evaluate_views(
        found.network,
        found.feed,
        views,
        topk=TOPK,
        minibatches=given["max_batches"],
        cost=given["logreg_name"],
        keep_probabilities=bool(given["test_out"]),
        on_minibatch=_Counter(f"{views} view{'s' * (views > 1)}"),
    )


class _Counter:
    """Tells how far a long test is, a few times."""

    def __init__(self, title):
        self.title, self.told = title, 0

    def __call__(self, done, total):
        if total > 20 and done * 4 // total > self.told:
            self.told = done * 4 // total
            note(f"{self.title}: {done} of {total} minibatches")


def _write_predictions(found: Ready, score, folder: Path):
    """test_preds.npz: probabilities (cases, classes) and labels (cases,); what they are beside."""
    facts = {
        **_origin(found),
        "views": score.views,
        "cases": score.cases,
        "label_names": list(found.class_names),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probabilities = np.ascontiguousarray(score.probabilities.T, np.float32)
        np.savez(folder / "test_preds.npz", probabilities=probabilities, labels=score.labels)
        (folder / "test_preds.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConvnetError(f"{folder}: cannot be written ({error.strerror or error})") from None
    note(f"predictions for {score.cases} test images: {folder / 'test_preds.npz'}")


def _origin(found: Ready) -> dict:
    return {"checkpoint": str(found.saved.path), "data": found.prepared.source}


def _facts(found: Ready, scores) -> dict:
    rows = [
        {
            "views": score.views,
            "cases": score.cases,
            "cost": score.cost,
            "top1_error": score.error,
            f"top{score.topk}_error": score.top_k_error,
        }
        for score in scores
    ]
    return {**_origin(found), "tests": rows}


def _print(found: Ready, scores):
    result(f"{found.prepared.dataset.describe()}: {scores[0].cases} test images")
    topk = f"top-{scores[0].topk} error"
    result(f"{'views':>6}  {'cost':>8}  {'top-1 error':>12}  {topk:>12}")
    for score in scores:
        numbers = f"{score.cost:8.4f}  {score.error:12.2%}  {score.top_k_error:12.2%}"
        result(f"{score.views:6}  {numbers}")
