"""The training loop."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from convnet.checkpoint import Position
from convnet.data.pipeline.feed import Batch
from convnet.data.pipeline.prefetch import Prefetch
from convnet.errors import ConvnetError, DataError, TrainingError
from convnet.journal import Journal
from convnet.network.trace import write_trace
from convnet.stored.files import replacing
from convnet.train.agreed import SharedDataError, settle_requests, wait_together
from convnet.train.cost_average import Average, Costs, judged
from convnet.train.evaluate import evaluate
from convnet.train.history import Entry
from convnet.train.journal_records import rates_of, start_facts
from convnet.train.monitor import monitor_minibatch, monitor_test
from convnet.train.rounding import all_rounded, rounded
from convnet.train.run import Run
from convnet.train.saving import (
    retry_is_due,
    save,
    save_after_error,
    save_elsewhere,
    save_unless_saved,
)
from convnet.train.signals import Interrupted, Signals

T = TypeVar("T")
_TRACED = 3  # the minibatch whose steps are timed; everything is compiled by then


@dataclass(frozen=True)
class Outcome:
    """How `fit` ended.

    reason: "done", "max-batches", "stuck" (a plateau), "SIGINT" or "SIGTERM".  exit_code: of the
    process: 0, 128 + signal, or 1 if the run could not be saved in its folder.  checkpoint: the
    last one saved, if files are written.  wait_share: share of the training time, without tests
    and saves, that was spent waiting for data.
    """

    reason: str
    exit_code: int
    position: Position
    checkpoint: Path | None
    wait_share: float = 0.0


def fit(run: Run) -> Outcome:
    """Train until the epochs or `max_batches` are done, or a signal arrives; then save.

    TrainingError, with the layer and the last good checkpoint, if a cost is not finite.
    """
    agrees = run.group.size > 1
    run.helps_to_write = bool(run.group.share(run.folder is not None)) and run.folder is None
    with Signals(run.observer.on_message, agrees) as signals, _opened_journal(run):
        try:
            _begin(run)
            with suppress(Interrupted):
                _test_if_due(run, signals)
                if not (run.ends_on_plateau or signals.stop):
                    _train(run, signals)
            return _end(run, signals)
        except DataError as error:
            if run.group.size == 1 or isinstance(error, SharedDataError):
                save_unless_saved(run)  # the network is intact; the next minibatch is not
                _stop(run, str(error))
                save_elsewhere(run)
            raise
        except ConvnetError as error:
            _stop(run, str(error))
            raise
        except Exception as error:
            save_after_error(run, error)
            raise


def _opened_journal(run: Run) -> Journal:
    path = run.folder.journal_path if run.folder else None
    run.journal = Journal(path, run.observer.on_message)
    return run.journal


def _begin(run: Run) -> None:
    run.network.step = run.position.step
    event = "resume" if run.resumed_from or run.position.step else "start"
    record = run.journal.write(event, run.position.step, **start_facts(run))
    if run.journal.problem:  # nothing is lost yet
        raise ConvnetError(f"{run.journal.path}: cannot be written ({run.journal.problem})")
    run.observer.on_start(record)


def _train(run: Run, signals: Signals) -> None:
    with Prefetch(run.train, run.places()) as batches:
        run.meter.skip()
        while (batch := _next(run, batches, signals)) is not None:
            # The first minibatch may compile kernels for minutes, and nothing is lost with it.
            with signals.interruptible(not run.trained and run.group.size == 1):
                progress = _train_on(run, batch, batches)
            run.meter.add(batch.cases, batches.waited_seconds)
            _record_if_due(run, progress)
            _test_and_save(run, signals)
            run.meter.skip()
            if signals.stop or run.ends_on_plateau:
                break


def _next(run: Run, batches: Prefetch, signals: Signals) -> Batch | None:
    """Wait for the next minibatch; None after the last one."""
    return wait_together(run.group, signals, lambda: next(batches, (None, None)))[1]


# -- one minibatch ---------------------------------------------------------------------------------


def _train_on(run: Run, batch: Batch, batches: Prefetch) -> float:
    """Run forward, backward and update; return the progress that the rates were taken at.

    While the engine computes, the next minibatch is loaded if it is ready.  An error in it is
    raised when it is due.
    """
    network, progress = run.network, run.progress()
    run.trained += 1
    with _traced(run):
        network.load(batch.matrices)
        run.is_sound = False
        network.set_rates(progress, run.normal(), run.lr_divisor)
        network.run("train")
        network.load_ahead(batches.coming())
    costs = network.costs()
    _refuse_non_finite(run, costs, run.position.step + 1)
    run.position = run.position.next()
    run.history.since_entry.add(costs, batch.cases)
    run.history.since_record.add(costs, batch.cases)
    run.is_sound = True
    monitor_minibatch(run, costs, batch)
    run.observer.on_step(run.position, Average(costs, batch.cases).per_case(run.cost_layers))
    return progress


@contextmanager
def _traced(run: Run) -> Iterator[None]:
    """Write a trace of the steps of the minibatch number `_TRACED`, if the run has a trace file."""
    if run.trace is None or run.trained != _TRACED:
        yield
        return
    with run.network.traced() as spans:
        yield
    try:
        with replacing(run.trace) as temporary:
            write_trace(temporary, spans)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        run.observer.on_message(f"{run.trace}: the trace cannot be written ({reason})")


def _refuse_non_finite(run: Run, costs: Mapping[str, Any], step: int) -> None:
    bad = [name for name, numbers in costs.items() if not np.isfinite(numbers).all()]
    if not bad:
        return
    layer = run.network.first_not_finite() or bad[0]
    good = run.last_saved or "there is none"
    raise TrainingError(
        f"step {step}: the cost {bad[0]} is no longer finite; the first layer with such values is "
        f"{layer}. Last good checkpoint: {good}. Resume it with lower learning rates"
    )


# -- records, tests, saves -------------------------------------------------------------------------


def _record_if_due(run: Run, progress: float) -> None:
    history = run.history
    if run.record_is_due():
        record = run.journal.write(
            "train",
            run.position.step,
            epoch=rounded(run.position.epochs),
            costs=all_rounded(history.since_record.per_case(run.cost_layers)),
            cases=history.since_record.cases,
            rates=rates_of(run.network, progress, run.lr_divisor),
            **run.meter.take(),
        )
        history.since_record = Average()
        run.observer.on_train(record)
    if run.entry_is_due():
        costs = history.since_entry.per_case(run.cost_layers)
        history.train.append(_entry(run, history.since_entry.cases, costs))
        history.since_entry = Average()


def _entry(run: Run, cases: int, costs: Costs) -> Entry:
    position = run.position
    return {"step": position.step, "epoch": position.epochs, "cases": cases, "costs": costs}


def _test_and_save(run: Run, signals: Signals) -> None:
    retry = settle_requests(run.group, signals, retry_is_due(run))
    asked = signals.take_save()
    tested = _test_if_due(run, signals)
    if not tested and (asked or run.save_is_due() or retry):
        save(run)


def _test_if_due(run: Run, signals: Signals) -> bool:
    """Test and save, if a test is due and no stop is requested; return whether it was done."""
    if run.test is None or not run.test_is_due() or signals.stop:
        return False
    started = time.perf_counter()
    with signals.interruptible(run.group.size == 1):  # a test changes no weights
        score = evaluate(
            run.network,
            run.test,
            minibatches=run.test_size(),
            should_stop=lambda: signals.stop,
            wait=lambda wait: _waited(run, signals, wait),
        )
    if score is None:
        return False
    numbers = {name: list(values.values()) for name, values in score.costs.items()}
    _refuse_non_finite(run, numbers, run.position.step)
    is_best = run.history.add_test(_entry(run, score.cases, score.costs), judged(score.costs)[1])
    record = run.journal.write(
        "test",
        run.position.step,
        epoch=rounded(run.position.epochs),
        costs=all_rounded(score.costs),
        cases=score.cases,
        best=is_best,
        seconds=rounded(time.perf_counter() - started),
    )
    run.observer.on_test(record)
    monitor_test(run, *judged(score.costs))
    save(run, is_best)
    return True


def _waited(run: Run, signals: Signals, wait: Callable[[], T]) -> T:
    """Wait in a test, which signals interrupt: at any place where there is one process."""
    return wait() if run.group.size == 1 else wait_together(run.group, signals, wait)


# -- the end ---------------------------------------------------------------------------------------


def _end(run: Run, signals: Signals) -> Outcome:
    save_unless_saved(run)
    code = 0
    if signals.stop:
        reason, code = signals.stop.name, 128 + signals.stop
    elif run.is_done:
        reason = "done"
    else:
        reason = "stuck" if run.ends_on_plateau else "max-batches"
    _stop(run, reason)
    if save_elsewhere(run):
        code = 1
    return Outcome(reason, code, run.position, run.last_saved, run.meter.wait_share)


def _stop(run: Run, reason: str) -> None:
    share = rounded(run.meter.wait_share)
    run.journal.write("stop", run.position.step, reason=reason, wait_share=share)
