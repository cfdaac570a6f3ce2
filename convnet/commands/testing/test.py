"""`convnet test`: top-1 and top-5 errors of checkpoints and of their average."""

from collections import Counter
from dataclasses import asdict, dataclass

import click

from convnet.cli_options.test import TestArguments
from convnet.commands.load_for_test import LoadedForTest, load_for_test
from convnet.commands.output.console import note, result, result_json
from convnet.commands.output.quarters import Quarters
from convnet.commands.ranks import joined
from convnet.commands.testing import features
from convnet.commands.testing.confusion import refuse_confusion, write_confusion
from convnet.report.confusion import Confusion
from convnet.report.confusion_counts import lines_of_pairs
from convnet.report.figures.predictions import class_name
from convnet.train.ensemble import Ensemble, Member, score_of
from convnet.train.multiview import ViewScore, evaluate_views
from convnet.train.prediction_files import (
    ARRAYS,
    Predictions,
    read_predictions,
    write_predictions,
)

TOPK = 5


def test(arguments: TestArguments) -> None:
    """Test the networks and print their errors, or write a layer's activities."""
    group = joined(arguments.evaluation.device)
    _refuse_half_of_features(arguments)
    refuse_confusion(arguments.confusion)
    loads = arguments.load or (() if arguments.predictions else (None,))
    if arguments.features.write_features:
        if arguments.confusion or arguments.confused:
            raise click.UsageError("--write-features does not test: leave out --confusion.")
        if len(loads) != 1 or arguments.predictions:
            raise click.UsageError("--write-features takes one network: give one --load.")
        features.write(load_for_test(loads[0], arguments.evaluation), arguments)
        return
    several = len(loads) + len(arguments.predictions) > 1
    ensemble = Ensemble(TOPK) if several or arguments.test_out else None
    tested = [_test_network(load, arguments, ensemble) for load in loads]
    tested += [_take_predictions(folder, ensemble) for folder in arguments.predictions]
    _note_odd_members(tested)
    if arguments.test_out and group.is_first:
        _write_average(ensemble, tested, arguments.test_out)
    average = [ensemble.score(views) for views in ensemble.views()] if several else []
    confusion = _confusion(tested, average, ensemble)
    if arguments.as_json:
        pairs = confusion.pairs(arguments.confused) if arguments.confused else []
        found = {"confused": [asdict(pair) for pair in pairs]} if arguments.confused else {}
        result_json({**_facts(tested, average, ensemble), **found})
    else:
        _print(tested, average, ensemble)
        for line in lines_of_pairs(confusion, arguments.confused) if arguments.confused else ():
            result(line)
    for out in arguments.confusion if group.is_first else ():
        write_confusion(confusion, out, note if arguments.as_json else result)


def _refuse_half_of_features(arguments):
    wanted = arguments.features
    if (wanted.write_features is None) != (wanted.feature_path is None):
        raise click.UsageError("--write-features LAYER and --feature-path DIR need each other.")
    if wanted.split and not wanted.write_features:
        raise click.UsageError(
            "--split selects the cases whose features are written: give --write-features."
        )


@dataclass
class Tested:
    """The test results of a network, or of saved predictions.

    kind: "checkpoint" or "predictions".  scores: one for each number of views.  networks: how many
    networks were averaged; checkpoints: theirs.  title: a line about the data.
    """

    kind: str
    name: str
    data: str
    scores: list[ViewScore]
    title: str
    class_names: tuple[str, ...]
    checkpoints: tuple[str, ...]
    networks: int = 1


# -- testing one after the other: at most one network is in memory ---------------------------------


def _test_network(load, arguments, ensemble) -> Tested:
    found = load_for_test(load, arguments.evaluation)
    counts = [1, found.all_views] if arguments.multiview else [1]
    dataset = found.feed.dataset
    if counts[-1] == 10 and not dataset.mirrors:
        note(
            f"{dataset.name}: half of the ten views are mirrored, which does not suit this data set"
        )
    scores = []
    for views in counts:
        score = _score(found, views, arguments, keep=ensemble is not None)
        if ensemble is not None:
            if not scores:
                ensemble.join(Member(str(found.saved.path), found.class_names, score.labels))
            ensemble.add(views, score.probabilities)
        scores.append(score.without_probabilities())
    title = f"{found.prepared.dataset.describe()}: {scores[0].cases} test images"
    name = str(found.saved.path)
    facts = found.prepared.source, scores, title, found.class_names
    return Tested("checkpoint", name, *facts, (name,))


def _score(found: LoadedForTest, views, arguments, keep):
    return evaluate_views(
        found.network,
        found.feed,
        views,
        topk=TOPK,
        minibatches=arguments.max_batches,
        cost=arguments.logreg_name,
        keep_probabilities=keep,
        on_minibatch=Quarters(f"{views} view{'s' * (views > 1)}"),
    )


def _take_predictions(folder, ensemble) -> Tested:
    found = read_predictions(folder)
    if ensemble is not None:
        ensemble.join(Member(str(folder), found.class_names, found.labels, found.networks))
    scores = []
    for views in sorted(found.by_views):
        if ensemble is not None:
            ensemble.add(views, found.by_views[views])
        scores.append(score_of(found.by_views[views], found.labels, views, TOPK))
    title = f"{found.data}: {len(found.class_names):,} classes: {len(found.labels)} test images"
    facts = found.data, scores, title, found.class_names, found.checkpoints, found.networks
    return Tested("predictions", str(folder), *facts)


def _confusion(tested, average, ensemble) -> Confusion:
    """Return the confusion matrix of the average, or of the one network, with the most views."""
    score = (average or tested[0].scores)[-1]
    name = f"average of {ensemble.networks} networks" if average else tested[0].name
    views = f", {score.views} views" if score.views > 1 else ""
    classes = max(len(tested[0].class_names), int(score.predicted.max(initial=0)) + 1)
    names = tuple(class_name(tested[0].class_names, label) for label in range(classes))
    return Confusion.of(score.labels, score.predicted, names, f"{name}{views}")


def _note_odd_members(tested):
    counted = Counter(name for one in tested for name in one.checkpoints)
    for name in [name for name, count in counted.items() if count > 1]:
        note(f"{name} is in the average {counted[name]} times")
    for one in tested[1:]:
        if one.data != tested[0].data:
            note(
                f"{tested[0].name} was tested on {tested[0].data}, {one.name} on {one.data}; the "
                "labels of their cases are the same"
            )


def _write_average(ensemble: Ensemble, tested, folder):
    first = ensemble.members[0]
    found = Predictions(
        {views: ensemble.average(views) for views in ensemble.views()},
        first.labels,
        first.class_names,
        tuple(name for one in tested for name in one.checkpoints),
        tested[0].data,
        ensemble.networks,
    )
    write_predictions(folder, found)
    note(f"predictions for {len(first.labels)} test images: {folder / ARRAYS}")


# -- printing --------------------------------------------------------------------------------------


def _facts(tested, average, ensemble) -> dict:
    networks = [
        {one.kind: one.name, "data": one.data, "networks": one.networks, "tests": _rows(one.scores)}
        for one in tested
    ]
    if average:
        mean = {"networks": ensemble.networks, "tests": _rows(average)}
        return {"networks": networks, "average": mean}
    return networks[0]


def _rows(scores):
    return [
        {
            "views": score.views,
            "cases": score.cases,
            "cost": score.cost,
            "top1_error": score.error,
            f"top{score.topk}_error": score.top_k_error,
        }
        for score in scores
    ]


def _print(tested, average, ensemble):
    first = tested[0]
    result(first.title)
    topk = f"top-{first.scores[0].topk} error"
    last = "  network" if len(tested) > 1 else ""
    result(f"{'views':>6}  {'cost':>8}  {'top-1 error':>12}  {topk:>12}{last}")
    for one in tested:
        counted = f" (average of {one.networks})" if one.networks > 1 else ""
        _print_scores(one.scores, f"{one.name}{counted}" if last else "")
    if last:
        _print_scores(average, f"average of {ensemble.networks} networks")


def _print_scores(scores, name):
    for score in scores:
        numbers = f"{score.cost:8.4f}  {score.error:12.2%}  {score.top_k_error:12.2%}"
        result(f"{score.views:6}  {numbers}" + f"  {name}" * bool(name))
