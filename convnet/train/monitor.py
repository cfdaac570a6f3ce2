"""What a run notices of itself: it acts on it, writes it into the journal and tells it."""

from math import log

import numpy as np

from convnet.train.chance_level import ONE_CLASS, PIECES, PLATEAU, piece_length
from convnet.train.diagnosis import likely_causes
from convnet.train.journal_records import rates_of, rounded
from convnet.train.plateau import DROP, FACTOR, MOST_DROPS, needed


def count_test(run, name: str, error: float) -> None:
    """Drop the rates, or stop, if this test's error says so and the options want it."""
    options, stuck = run.options, run.history.stuck
    if not (options.drop_rate_when_stuck or options.stop_when_stuck):
        return
    criterion = options.stuck_tests, options.stuck_improvement
    event = stuck.add(error, *criterion, options.most_drops)
    if event is None:
        return
    facts = {"epoch": rounded(run.position.epochs), "error": error, "lowest": stuck.lowest}
    facts |= {"drops": stuck.drops, "divided_by": stuck.divided_by}
    run.journal.write(event, run.position.step, **facts)
    run.is_stuck = event != DROP and options.stop_when_stuck
    if event == DROP or run.is_stuck or stuck.stalls == 1:
        run.observer.on_message(f"{_told(run, name)}: {_consequence(run, event)}")


def _told(run, name):
    """stuck: in 5 tests the top-1 error was never below 40.79% (the best, 41.20%, less 1%)"""
    options, lowest = run.options, run.history.stuck.lowest
    bar = needed(lowest, options.stuck_improvement)
    shown = [f"{n:.2%}" if name.endswith("error") else f"{n:.4f}" for n in (bar, lowest)]
    tests = "the last test" if options.stuck_tests == 1 else f"{options.stuck_tests} tests"
    share = f"{100 * options.stuck_improvement:g}%"
    return f"stuck: in {tests} the {name} was never below {shown[0]} ({shown[1]} less {share})"


def _consequence(run, event):
    if event == DROP:
        largest = max(rates_of(run.network, run.progress(), run.divided_by).values(), default=0)
        return (
            f"all rates are divided by {FACTOR}, drop {run.history.stuck.drops} of {MOST_DROPS}; "
            f"the largest is {largest:g} now"
        )
    if run.is_stuck:
        return "stopping"
    return f"the {MOST_DROPS} drops are made, so there is little to expect of further epochs"


# -- minibatches -----------------------------------------------------------------------------------


def watch_minibatch(run, costs, batch) -> None:
    """Hint at what keeps a classifier from learning, once, where it is seen to learn nothing.

    costs: {cost layer: sums over the minibatch's cases}.
    """
    name = _classifier(run)
    if name is None:
        return
    plateau, classes = run.history.plateau, run.cost_layers[name].classes
    begins = plateau.one_class is not None
    if begins and plateau.add_labels(len(np.unique(batch.labels)), batch.cases):
        _hint(run, ONE_CLASS, _one_class(run))
    cost, errors = (float(number) for number in costs[name][:2])
    if plateau.add(cost, errors, batch.cases, classes):
        _hint(run, PLATEAU, [_on_plateau(classes), *likely_causes(run, batch)])


def _classifier(run):
    """The first logreg cost that is minimized, of two classes or more."""
    for name, layer in run.cost_layers.items():
        if layer.classifies and layer.coeff and layer.classes > 1:
            return name
    return None


def _hint(run, kind, lines):
    run.journal.write("hint", run.position.step, kind=kind, lines=lines)
    run.observer.on_message("\n  - ".join([f"hint: {lines[0]}", *lines[1:]]))


def _one_class(run):
    advice = "shuffle it before it is stored" if not run.train.shuffles else "look at its labels"
    return [
        f"each of {run.history.plateau.one_class} minibatches in a row holds images of one class "
        f"only. A net learns nothing from data in the order of its classes; {advice}"
    ]


def _on_plateau(classes):
    length = PIECES * piece_length(classes)
    return (
        f"for {length} minibatches the cost has been at ln({classes}) = {log(classes):.3f}, as of "
        "a net that tells no images apart. Likely causes:"
    )
