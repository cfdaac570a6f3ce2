"""Loading the next minibatch during the current one changes no bit of a run."""

from concurrent.futures import wait
from itertools import groupby

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import load, newest
from convnet.data import Feed, Prefetch
from convnet.errors import DataError
from convnet.journal import read
from convnet.network.network import Network
from convnet.train import fit
from convnet.train.features import write_features
from convnet.train.multiview import evaluate_views
from tests.support import training
from tests.support.training import curve, go_on, make_graph, make_run, same, state
from tests.support.two_slots import TwoSlots


@pytest.fixture(autouse=True)
def ready(monkeypatch):
    """Make the next minibatch always ready in time."""
    coming = Prefetch.coming

    def waited(batches):
        wait([future for _, _, future in batches._pending])
        return coming(batches)

    monkeypatch.setattr(Prefetch, "coming", waited)


def run_on(engine, monkeypatch, folder, **options):
    monkeypatch.setattr(training, "Engine", engine)
    return make_run(folder, **options)


def test_a_run_with_tests_and_saves_is_the_same(tmp_path, monkeypatch):
    runs = {}
    for engine in (Engine, TwoSlots):
        run = runs[engine] = run_on(engine, monkeypatch, tmp_path / engine.__module__,
                                    epochs=2, test_every=5, test_minibatches=2)  # fmt: skip
        fit(run)
    one, two = runs.values()
    assert same(state(one), state(two))
    assert one.history.to_json() == two.history.to_json()
    journals = [read(run.folder.journal_path) for run in (one, two)]
    assert curve(journals[0]) == curve(journals[1])


def test_while_one_is_computed_the_next_is_loaded(tmp_path, monkeypatch):
    run = run_on(TwoSlots, monkeypatch, None, epochs=1, max_batches=3)
    run.test = None
    fit(run)
    happened = [what for what, _ in groupby(run.network.engine.happened)]
    first, last = ["fill", "swap", "run"], ["read", "swap", "run", "read"]
    assert happened[:12] == [*first, "fill", "read", "swap", "run", "fill", *last]


def test_a_resumed_run_is_the_same(tmp_path, monkeypatch):
    whole = run_on(TwoSlots, monkeypatch, None, epochs=1)
    fit(whole)
    fit(run_on(TwoSlots, monkeypatch, tmp_path, epochs=1, max_batches=7))
    resumed, _ = go_on(tmp_path, epochs=1)
    assert same(state(resumed), state(whole))


@pytest.mark.parametrize("engine", [Engine, TwoSlots])
def test_a_bad_minibatch_stops_the_run_when_it_is_due(engine, tmp_path, monkeypatch):
    made = Feed.minibatch

    def minibatch(feed, epoch, index, out=None):
        if (feed.split, index) == ("train", 3):
            raise DataError("image 17 is damaged")
        return made(feed, epoch, index, out)

    monkeypatch.setattr(Feed, "minibatch", minibatch)
    run = run_on(engine, monkeypatch, tmp_path, epochs=1)
    with pytest.raises(DataError, match="image 17"):
        fit(run)
    saved = load(newest(tmp_path))
    assert saved.position.step == run.position.step == 3
    straight = run_on(Engine, monkeypatch, None, epochs=1, max_batches=3)
    straight.test = None
    fit(straight)
    assert same(saved.arrays, state(straight))


def test_ten_views_and_features_are_the_same(tmp_path, monkeypatch):
    scores, written = [], []
    for engine in (Engine, TwoSlots):
        run = run_on(engine, monkeypatch, None)
        scores.append(evaluate_views(run.network, run.test, 10, minibatches=2))
        folder = tmp_path / engine.__module__
        write_features(run.network, {"test": run.test}, "hidden", folder, {}, minibatches=2)
        written.append((folder / "test.npy").read_bytes())
        if engine is TwoSlots:
            happened = [what for what, _ in groupby(run.network.engine.happened)]
            assert happened[:4] == ["fill", "swap", "run", "fill"]
    assert scores[0] == scores[1] and written[0] == written[1]


def test_what_does_not_fit_is_refused_when_it_is_due():
    network = Network(make_graph(), 8, TwoSlots(), seed=1)
    rng = np.random.default_rng(1)
    good = {0: rng.standard_normal((36, 8)), 1: np.zeros((1, 8))}
    network.load(good)
    network.run("test")
    costs = network.costs()
    bad = {0: np.zeros((35, 8)), 1: np.zeros((1, 8))}
    network.load_ahead(bad)
    assert str(network.costs()) == str(costs)
    with pytest.raises(DataError, match="needs 36 values per case"):
        network.load(bad)
    network.run("test")
    assert str(network.costs()) == str(costs)


def test_another_minibatch_may_come_than_the_one_that_was_loaded_ahead():
    engines = Engine(), TwoSlots()
    one, two = (Network(make_graph(), 8, engine, seed=1) for engine in engines)
    rng = np.random.default_rng(1)
    minibatches = [
        {0: rng.standard_normal((36, cases)), 1: np.zeros((1, cases))} for cases in (8, 5, 7)
    ]
    two.load_ahead(minibatches[0])
    for network in (one, two):
        network.load(minibatches[1])
        network.run("test")
    two.load_ahead(minibatches[2])
    assert str(two.costs()) == str(one.costs()) and two.cases == 5
    assert np.array_equal(two.output("data"), one.output("data"))
