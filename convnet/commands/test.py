"""`convnet test`: top-1 and top-5 errors of a checkpoint, single view and many."""

from convnet import checkpoint
from convnet.commands.output import note, result, result_json
from convnet.commands.saved import load
from convnet.commands.train import data_options
from convnet.network.network import Network
from convnet.session import DeviceOptions, make_engine, prepare
from convnet.train.views import evaluate_views

TOPK = 5


def test(**given) -> None:
    saved = load(given["load"])
    prepared = prepare(saved.specs, data_options(given, saved.checkpoint), saved.checkpoint.dialect)
    engine, line, _ = make_engine(DeviceOptions(given["device"], given["gpu"]), prepared.graph)
    minibatch = given["minibatch"] or saved.checkpoint.options.get("minibatch", 128)
    network = Network(prepared.graph, minibatch, engine, seed=saved.checkpoint.seed)
    checkpoint.restore(network, saved.checkpoint)
    note(f"{saved.path}, {line}")
    feed = prepared.feed("test", minibatch)
    counts = [1, _views(prepared)] if given["multiview"] else [1]
    scores = [_score(network, feed, views, given["max_batches"]) for views in counts]
    if given["as_json"]:
        result_json(_facts(saved, prepared, scores))
    else:
        _print(prepared, scores)


def _views(prepared) -> int:
    """Ten views; nine where the dialect has nine for CIFAR's images (dialect, 9.2)."""
    small = prepared.dataset.side <= 32
    return prepared.graph.dialect.cifar_views if small else 10


def _score(network, feed, views, minibatches):
    shown = _Counter(views)
    return evaluate_views(
        network, feed, views, topk=TOPK, minibatches=minibatches, on_minibatch=shown
    )


class _Counter:
    """Tells how far a long test is, a few times."""

    def __init__(self, views):
        self.views, self.told = views, 0

    def __call__(self, done, total):
        if total > 20 and done * 4 // total > self.told:
            self.told = done * 4 // total
            note(f"{self.views} view{'s' * (self.views > 1)}: {done} of {total} minibatches")


def _facts(saved, prepared, scores) -> dict:
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
    return {"checkpoint": str(saved.path), "data": prepared.source, "tests": rows}


def _print(prepared, scores):
    result(f"{prepared.dataset.describe()}: {scores[0].cases} test images")
    topk = f"top-{scores[0].topk} error"
    result(f"{'views':>6}  {'cost':>8}  {'top-1 error':>12}  {topk:>12}")
    for score in scores:
        numbers = f"{score.cost:8.4f}  {score.error:12.2%}  {score.top_k_error:12.2%}"
        result(f"{score.views:6}  {numbers}")
