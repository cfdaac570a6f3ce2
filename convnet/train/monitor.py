"""Watch a run: drop its rates on a plateau, and hint at what keeps a net from learning."""

from collections.abc import Mapping
from math import log

import numpy as np

from convnet.data.pipeline.feed import Batch
from convnet.train.chance_level import CHANCE_LEVEL, ONE_CLASS, SEGMENTS, segment_length
from convnet.train.diagnosis import likely_causes
from convnet.train.journal_records import rates_of
from convnet.train.plateau import DROP, FACTOR, MOST_DROPS, bar
from convnet.train.rounding import rounded
from convnet.train.run import Run


def monitor_test(run: Run, name: str, error: float) -> None:
    """Drop the rates, or end the run, if this test's error and the options call for it.

    name: of the number that `error` is, for messages.
    """
    options, plateau = run.options, run.history.plateau
    if not (options.drop_rate_when_stuck or options.stop_when_stuck):
        return
    event = plateau.add(error, options.stuck_tests, options.stuck_improvement, options.most_drops)
    if event is None:
        return
    run.journal.write(
        event,
        run.position.step,
        epoch=rounded(run.position.epochs),
        error=error,
        lowest=plateau.lowest,
        drops=plateau.drops,
        divided_by=plateau.lr_divisor,
    )
    run.ends_on_plateau = event != DROP and options.stop_when_stuck
    if event == DROP or run.ends_on_plateau or plateau.stalls == 1:
        run.observer.on_message(f"{_finding(run, name)}: {_consequence(run, event)}")


def _finding(run: Run, name: str) -> str:
    """Return "plateau: in 5 tests the top-1 error never fell below 40.79% (41.20% less 1%)"."""
    options, lowest = run.options, run.history.plateau.lowest or 0.0
    limit = bar(lowest, options.stuck_improvement)
    shown = [f"{n:.2%}" if name.endswith("error") else f"{n:.4f}" for n in (limit, lowest)]
    tests = "the last test" if options.stuck_tests == 1 else f"{options.stuck_tests} tests"
    share = f"{100 * options.stuck_improvement:g}%"
    return f"plateau: in {tests} the {name} never fell below {shown[0]} ({shown[1]} less {share})"


def _consequence(run: Run, event: str) -> str:
    if event == DROP:
        largest = max(rates_of(run.network, run.progress(), run.lr_divisor).values(), default=0)
        return (
            f"all rates are divided by {FACTOR}, drop {run.history.plateau.drops} of {MOST_DROPS}; "
            f"the largest is now {largest:g}"
        )
    if run.ends_on_plateau:
        return "stopping"
    return f"all {MOST_DROPS} drops are used, so further epochs will probably change little"


# -- minibatches -----------------------------------------------------------------------------------


def monitor_minibatch(run: Run, costs: Mapping[str, np.ndarray], batch: Batch) -> None:
    """Give a classifier that does not learn one hint about the reason.

    costs: cost layer -> sums over the cases of `batch`, which was trained last.
    """
    found = _classifier(run)
    if found is None:
        return
    (name, classes), state = found, run.history.chance_level
    if state.one_class is not None and state.add_labels(len(np.unique(batch.labels)), batch.cases):
        _hint(run, ONE_CLASS, [_one_class(run)])
    cost, errors = (float(number) for number in costs[name][:2])
    if state.add(cost, errors, batch.cases, classes):
        _hint(run, CHANCE_LEVEL, [_at_chance(classes), *likely_causes(run, batch)])


def _classifier(run: Run) -> tuple[str, int] | None:
    """Return name and classes of the first logreg cost with several classes that is minimized."""
    for name, layer in run.cost_layers.items():
        if layer.classifies and layer.coeff and layer.classes > 1:
            return name, layer.classes
    return None


def _hint(run: Run, kind: str, lines: list[str]) -> None:
    run.journal.write("hint", run.position.step, kind=kind, lines=lines)
    run.observer.on_message("\n  - ".join([f"hint: {lines[0]}", *lines[1:]]))


def _one_class(run: Run) -> str:
    advice = "shuffle it before it is stored" if not run.train.shuffles else "look at its labels"
    return (
        f"each of {run.history.chance_level.one_class} minibatches in a row holds images of one "
        f"class only. A net learns nothing from data in the order of its classes; {advice}"
    )


def _at_chance(classes: int) -> str:
    length = SEGMENTS * segment_length(classes)
    return (
        f"for {length} minibatches the cost has been at ln({classes}) = {log(classes):.3f}, that "
        "of a net that cannot tell images apart. Likely causes:"
    )
