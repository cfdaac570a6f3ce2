"""Testing a network: one view; several views, averaged before the cost is computed."""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from convnet.backends.cpu.engine import Engine
from convnet.data import Feed, FeedOptions, open_dataset
from convnet.errors import DataError
from convnet.network.network import Network
from convnet.train import evaluate, evaluate_views, fit
from convnet.train.evaluate import spread
from convnet.train.multiview import scored
from tests.support.training import (
    LAYERS,
    MINIBATCH,
    PARAMS,
    SIDE,
    make_graph,
    make_run,
    same,
    state,
)


@pytest.fixture(scope="module")
def trained():
    run = make_run(epochs=6)
    fit(run)
    return run


def _probabilities(run, matrices):
    """The net's probabilities for some images, from what its layers are defined to do."""
    network, cases = run.network, matrices[0].shape[1]
    w = {name: network.read(p).astype(float) for name, p in network.parameters.items()}
    x = ref.pool(matrices[0].reshape(1, SIDE, SIDE, cases), "max", 2, 1, 0, 5)
    x = w["hidden.weights.0"] @ x.reshape(25, cases) + w["hidden.biases"][:, None]
    x = 0.8 * np.tanh(x)  # dropout2 multiplies by keep in a test
    return ref.softmax(w["scores.weights.0"] @ x + w["scores.biases"][:, None])


def test_one_view_is_what_the_layers_say(trained):
    feed = trained.test
    batches = [feed.minibatch(0, index) for index in range(feed.minibatches_per_epoch)]
    assert [batch.cases for batch in batches] == [100, 100, 96]
    probabilities = np.hstack([_probabilities(trained, batch.matrices) for batch in batches])
    labels = np.hstack([batch.labels for batch in batches])
    expected = [n / 296 for n in ref.logreg(labels[None], probabilities, 3)]
    score = evaluate(trained.network, feed)
    assert score.cases == 296
    assert list(score.costs["logprob"].values()) == pytest.approx(expected, rel=1e-5)
    views = evaluate_views(trained.network, feed, 1, topk=3, keep_probabilities=True)
    assert [views.cost, views.error, views.top_k_error] == pytest.approx(expected, rel=1e-5)
    assert np.abs(views.probabilities - probabilities).max() < 1e-5
    assert (views.labels == labels).all() and views.topk == 3
    assert 0 < views.top_k_error < views.error < 0.7


@pytest.mark.parametrize("count", [9, 10])
def test_views_are_averaged_and_costed_once(trained, count):
    feed = trained.test
    sums, labels = [], []
    for index in range(3):
        views = [_probabilities(trained, view.matrices) for view in feed.views(index, count)]
        assert len(views) == count
        sums.append(np.mean(views, axis=0))
        labels.append(feed.minibatch(0, index).labels)
    mean, labels = np.hstack(sums), np.hstack(labels)
    expected = [n / 296 for n in ref.logreg(labels[None], mean, 5)]
    score = evaluate_views(trained.network, feed, count, keep_probabilities=True)
    assert [score.cost, score.error, score.top_k_error] == pytest.approx(expected, rel=1e-5)
    assert np.abs(score.probabilities - mean).max() < 1e-5
    assert score.views == count and score.cases == 296
    single = evaluate_views(trained.network, feed, 1)
    assert abs(single.cost - score.cost) > 1e-3 and single.probabilities is None


def test_ties_count_in_proportion():
    probabilities = np.array(
        [
            [0.2, 0.5, 0.1, 0.4, 0.0],
            [0.2, 0.5, 0.3, 0.4, 1.0],
            [0.2, 0.0, 0.3, 0.1, 0.0],
            [0.2, 0.0, 0.3, 0.1, 0.0],
            [0.2, 0.0, 0.0, 0.0, 0.0],
        ]
    )
    labels = np.array([0, 1, 0, 2, 0])
    for topk in (1, 2, 3, 5):
        found = scored(probabilities, labels, topk, 1e-38)
        assert found == pytest.approx(ref.logreg(labels[None], probabilities, topk, 1e-38))
    # 4/5 of the first, 1/2 of the second; the others are wrong
    assert scored(probabilities, labels, 1, 1e-38)[1] == pytest.approx(0.8 + 0.5 + 3)
    # 3/5, 0, 1 (three are above), 1/2 of a place for two, and a tie of the four zeros for two
    assert scored(probabilities, labels, 3, 1e-38)[2] == pytest.approx(0.4 + 0 + 1 + 0.5 + 0.5)


def test_labels_of_no_class_and_values_that_are_no_numbers():
    cost, error, top = scored(np.full((4, 2), 0.25), np.array([-1, 4]), 4, 1e-38)
    assert (error, top) == (2, 2) and cost == pytest.approx(-2 * math.log(1e-38))
    cost, error, _ = scored(np.full((4, 1), np.nan), np.array([0]), 2, 1e-38)
    assert math.isnan(cost) and error == 1


def test_the_minibatches_of_a_short_test_are_spread():
    feed = Feed(open_dataset("digits"), "test", 10, FeedOptions(side=SIDE))
    assert feed.minibatches_per_epoch == 30
    assert spread(feed, 3) == [0, 10, 20] and spread(feed, 0) == []
    assert spread(feed, 99) == spread(feed, None) == list(range(30))
    assert len(set(spread(feed, 29))) == 29


def test_a_test_changes_nothing(trained):
    before, step = state(trained), trained.network.step
    evaluate(trained.network, trained.test)
    evaluate_views(trained.network, trained.test, 10)
    assert same(state(trained), before) and trained.network.step == step


def test_a_test_can_be_stopped(trained):
    answers = iter([False, True])
    assert evaluate(trained.network, trained.test, should_stop=lambda: next(answers)) is None


def test_what_cannot_be_tested_is_reported(trained):
    with pytest.raises(DataError, match="nope is not a cost.logreg layer; there is logprob"):
        evaluate_views(trained.network, trained.test, 1, cost="nope")
    with pytest.raises(DataError, match="1, 9 or 10 views"):
        evaluate_views(trained.network, trained.test, 3)
    layers = LAYERS.replace("type=cost.logreg\ninputs=labels,probs", "type=cost.sum2\ninputs=probs")
    layers = layers.replace("[labels]\ntype=data\ndataIdx=1\n", "")
    network = Network(make_graph(layers, PARAMS.replace("topk=3\n", "")), MINIBATCH, Engine())
    with pytest.raises(DataError, match="no layer of type cost.logreg"):
        evaluate_views(network, trained.test, 1)


def test_few_classes_limit_topk(trained):
    assert evaluate_views(trained.network, trained.test, 1, topk=50).topk == 10
    assert evaluate_views(trained.network, trained.test, 1, minibatches=1).cases == 100
    assert evaluate_views(trained.network, trained.test, 1, minibatches=0).cases == 0
