"""Rates that are divided on a plateau of the test error: the criterion, resuming, by hand."""

import numpy as np
import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.errors import DataError
from convnet.train import Observer, Run, Score, fit
from convnet.train.plateau import Plateau
from tests.support.training import PARAMS, curve, go_on, make_run, same, state

CONSTANT = PARAMS.replace("dexp[base=0.002;tgtFactor=10;numSteps=3]", "0.002")
CONSTANT = CONSTANT.replace("linear[base=0.02;tgtFactor=4]", "0.02")
EAGER = {"drop_rate_when_stuck": True, "stuck_tests": 2, "stuck_improvement": 0.3}


def slow_events(errors, tests, improvement, most_drops):
    """The criterion as it is documented, from the whole list of errors: [(place, event)]."""
    events, drops, begin, lowest = [], 0, 0, errors[0]
    for place in range(1, len(errors)):
        if errors[place] < lowest - improvement * abs(lowest):
            lowest, begin = errors[place], place
        elif place - begin == tests:
            event = "drop" if drops < most_drops else "stuck"
            drops, begin = drops + (event == "drop"), place
            events.append((place, event))
    return events


@pytest.mark.parametrize("tests", [1, 2, 5])
@pytest.mark.parametrize("improvement", [0.0, 0.01, 0.2])
def test_the_criterion_is_the_documented_one(tests, improvement):
    rng = np.random.default_rng(tests)
    kinds = set()
    for falls in (0.0, 0.003, 0.05):
        errors = 0.8 * np.exp(-falls * np.arange(200)) + rng.normal(0, 0.02, 200) - 0.1
        plateau = Plateau()
        found = [(i, plateau.add(e, tests, improvement, 3)) for i, e in enumerate(errors.tolist())]
        expected = slow_events(errors, tests, improvement, 3)
        assert [one for one in found if one[1]] == expected
        assert plateau.drops == sum(event == "drop" for _, event in expected) <= 3
        assert plateau.lr_divisor == 10**plateau.drops
        kinds |= {event for _, event in expected}
    assert kinds == {"drop", "stuck"}


@pytest.mark.parametrize(
    ("errors", "drops_at"),
    [
        ([0.5, 0.4, 0.3, 0.2, 0.1], []),
        ([0.5, 0.496, 0.496], [2]),  # less than 1 % of it does not count,
        ([0.5, 0.497, 0.494], []),  # but adds up
        ([0.5, 0.6, 0.49, 0.6, 0.7], [4]),
        ([0.5, np.inf, 0.5, 0.5, 0.5], [2, 4]),
        ([-1.0, -1.005, -1.02, -1.02, -1.02], [4]),  # a cost below 0
    ],
)
def test_made_up_errors(errors, drops_at):
    plateau = Plateau()
    events = [plateau.add(error, 2, 0.01, 3) for error in errors]
    assert [i for i, event in enumerate(events) if event == "drop"] == drops_at


def watch(monkeypatch, folder, errors, **options):
    """A run whose tests, at every second of 32 minibatches, find these errors; and the messages."""
    found = iter(errors)
    run = make_run(folder, CONSTANT, epochs=2, test_every=2, record_every=1, **options)

    def evaluate(*_, **__):
        numbers = {"cost": 1.0, "top-1 error": next(found), "top-3 error": 0.0}
        return Score(296, {"logprob": numbers})

    monkeypatch.setattr("convnet.train.loop.evaluate", evaluate)
    lines = []
    run.observer = Observer()
    run.observer.on_message = lines.append
    return run, lines


def rates(records):
    return {r["step"]: r["rates"]["scores.biases"] for r in records if r["event"] == "train"}


def test_rates_fall_three_times_and_no_more(tmp_path, monkeypatch):
    run, lines = watch(monkeypatch, tmp_path, [0.5] * 16, **EAGER)
    assert fit(run).reason == "done"
    records = journal.read(tmp_path)
    drops = [r for r in records if r["event"] == "drop"]
    assert [(r["step"], r["drops"], r["divided_by"]) for r in drops] == [
        (6, 1, 10), (10, 2, 100), (14, 3, 1000),
    ]  # fmt: skip
    found = rates(records)
    assert [found[s] for s in (1, 6, 7, 10, 11, 14, 15, 32)] == [
        0.02, 0.02, 0.002, 0.002, 0.0002, 0.0002, 0.00002, 0.00002,
    ]  # fmt: skip
    assert lines[0] == (
        "plateau: in 2 tests the top-1 error never fell below 35.00% (50.00% less 30%): all rates "
        "are divided by 10, drop 1 of 3; the largest is now 0.002"
    )
    assert len(lines) == 4 and "all 3 drops are used" in lines[3]


def test_a_run_stops_on_a_plateau_if_requested(tmp_path, monkeypatch):
    run, lines = watch(monkeypatch, tmp_path, [0.5] * 16, **EAGER, stop_when_stuck=True)
    outcome = fit(run)
    assert (outcome.reason, outcome.exit_code, outcome.position.step) == ("stuck", 0, 18)
    assert lines[-1].endswith(": stopping")
    assert newest(tmp_path).name == run.position.file_name
    assert journal.read(tmp_path)[-1]["reason"] == "stuck"
    without_drops = {**EAGER, "drop_rate_when_stuck": False, "stop_when_stuck": True}
    run, _ = watch(monkeypatch, None, [0.5] * 16, **without_drops)
    assert fit(run).position.step == 6 and run.lr_divisor == 1


def test_by_default_nothing_happens(tmp_path, monkeypatch):
    run, lines = watch(monkeypatch, tmp_path, [0.5] * 16)
    assert fit(run).reason == "done" and lines == []
    assert set(rates(journal.read(tmp_path)).values()) == {0.02}


RESUMED = {"epochs": 3, "test_every": 5, "record_every": 4, **EAGER}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("whole"), **RESUMED)  # with schedules
    fit(run)
    return run


@pytest.mark.parametrize("stops", [(7,), (20, 1, 4), (25, 14)])
def test_a_resumed_run_drops_as_the_one_that_was_not_stopped(tmp_path, whole, stops):
    fit(make_run(tmp_path, **RESUMED, max_batches=stops[0]))
    for stop in (*stops[1:], None):
        run, _ = go_on(tmp_path, max_batches=stop, **RESUMED)
    assert same(state(run), state(whole))
    assert run.history.to_json() == whole.history.to_json()
    for event in ("drop", "stuck"):
        mine, theirs = (
            [
                (r["step"], r["lowest"])
                for r in journal.read(each.folder.path)
                if r["event"] == event
            ]
            for each in (run, whole)
        )
        assert mine == theirs
    assert run.history.plateau.drops >= 2
    assert curve(journal.read(tmp_path)) == curve(journal.read(whole.folder.path))


def test_schedules_are_divided(tmp_path, whole):
    plain = make_run(tmp_path, **{**RESUMED, "drop_rate_when_stuck": False})
    fit(plain)
    assert not same(state(plain), state(whole))
    mine, theirs = (rates(journal.read(run.folder.path)) for run in (whole, plain))
    drops = {
        r["step"]: r["divided_by"] for r in journal.read(whole.folder.path) if r["event"] == "drop"
    }
    divided = {step: max([by for at, by in drops.items() if at < step], default=1) for step in mine}
    assert len(set(divided.values())) >= 3
    for step, rate in theirs.items():
        assert mine[step] == pytest.approx(rate / divided[step], rel=1e-5)


def test_a_drop_is_what_was_done_by_hand(tmp_path):
    """Stop, write a tenth of the rates into the params file, go on: the same bits."""
    eager = {"test_every": 4, "drop_rate_when_stuck": True, "stuck_tests": 1}
    eager["stuck_improvement"] = 0.9  # the second test, at 8, is stuck
    automatic = make_run(params=CONSTANT, epochs=1, **eager, max_batches=12)
    fit(automatic)
    assert automatic.history.plateau.drops == 2  # at 8 and, without effect so far, at 12
    fit(make_run(tmp_path, CONSTANT, epochs=1, test_every=4, max_batches=8))
    tenth = CONSTANT.replace("=0.002", "=0.0002").replace("=0.02", "=0.002")
    tenth = tenth.replace("epsB=0.01", "epsB=0.001")
    by_hand, _ = go_on(tmp_path, tenth, epochs=1, test_every=4, max_batches=4)
    assert same(state(by_hand), state(automatic))


def test_new_params_get_their_time_and_old_drops_stay(tmp_path, monkeypatch):
    run, _ = watch(monkeypatch, tmp_path, [0.5] * 16, **EAGER, max_batches=8)
    fit(run)
    assert vars(run.history.plateau) == {"lowest": 0.5, "waited": 1, "drops": 1, "stalls": 0}
    saved = load(newest(tmp_path))
    same_params = make_run(params=CONSTANT, epochs=2, **EAGER)
    (note,) = same_params.resume(saved)
    assert note == "the rates of the params file are divided by 10: 1 of 3 drops are made"
    assert same_params.history.plateau.waited == 1
    other = make_run(params=CONSTANT.replace("wc=0.001", "wc=0"), epochs=2, **EAGER)
    other.resume(saved)
    assert vars(other.history.plateau) == {"lowest": 0.5, "waited": 0, "drops": 1, "stalls": 0}


def test_without_the_option_the_drops_are_undone(tmp_path, monkeypatch):
    run, _ = watch(monkeypatch, tmp_path, [0.5] * 16, **EAGER, max_batches=8)
    fit(run)
    by_hand = make_run(params=CONSTANT, epochs=2)
    (note,) = by_hand.resume(load(newest(tmp_path)))
    assert note == "the rates are those of the params file, no longer divided by 10"
    assert by_hand.lr_divisor == 1


def test_dropping_needs_tests():
    run = make_run()
    with pytest.raises(DataError, match="only be detected with tests"):
        Run(run.network, run.train, options=make_run(**EAGER).options)
