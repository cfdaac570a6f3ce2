"""A cost that stays at ln(classes) is recognized and explained, once; a net that learns is not."""

import warnings
from math import log
from types import SimpleNamespace

import numpy as np
import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.data import Feed, FeedOptions, open_dataset
from convnet.data.dataset import ArrayDataset
from convnet.train import Observer, fit
from convnet.train.chance_level import SEGMENTS, ChanceLevel, is_guessing, segment_length
from convnet.train.diagnosis import _lost_signal
from tests.support.training import make_run, same, state

DATA = "[data]\ntype=data\ndataIdx=0\n[labels]\ntype=data\ndataIdx=1\n"
COST = "[probs]\ntype=softmax\ninputs=scores\n[logprob]\ntype=cost.logreg\ninputs=labels,probs\n"
LAYER = "[{name}]\ntype=fc\ninputs={below}\noutputs={outputs}\ninitW={w}\ninitB={b}\n"
RATES = "[{name}]\nepsW={rate}\nepsB={rate}\nmomW=0.9\nmomB=0.9\nwc=0.0005\n"


def net(hidden, w, b, rate):
    """Layer and params file of fully connected layers with so many hidden ones."""
    layers, params, below = DATA, "", "data"
    for number in range(hidden):
        name = f"fc{number}"
        layers += LAYER.format(name=name, below=below, outputs=32, w=w, b=b) + "neuron=relu\n"
        params += RATES.format(name=name, rate=rate)
        below = name
    layers += LAYER.format(name="scores", below=below, outputs=10, w=w, b=0) + COST
    return layers, params + RATES.format(name="scores", rate=rate) + "[logprob]\ncoeff=1\n"


def trained(folder, layers, params, **options):
    """Return a run, its messages, and its hints in the journal."""
    run = make_run(folder, params, layers, side=8, minibatch=50, epochs=EPOCHS, **options)
    messages = []
    run.observer = Observer()
    run.observer.on_message = messages.append
    fit(run)
    return run, messages, [r for r in journal.read(folder) if r["event"] == "hint"]


EPOCHS = 14  # of 31 minibatches
HOPELESS = net(5, 0.01, 1, 0.01)  # as deep as the paper's, with its weights, biases and rates


@pytest.fixture(scope="module")
def hopeless(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("hopeless"), *HOPELESS)


def test_a_net_that_learns_nothing_gets_one_hint(hopeless):
    run, messages, (hint,) = hopeless
    assert run.history.test[-1]["costs"]["logprob"]["cost"] == pytest.approx(log(10), abs=0.01)
    assert messages == ["\n  - ".join(["hint: " + hint["lines"][0], *hint["lines"][1:]])]
    assert hint["kind"] == "plateau" and 200 <= hint["step"] <= 400
    head, signal, biases, unseen = hint["lines"]
    assert "200 minibatches" in head and "ln(10) = 2.303" in head
    assert "in fc4: the initial weights" in signal
    assert "(initB): fc0, fc1, fc2, fc3, fc4." in biases
    assert "(0.01 now)" in unseen and "labels" in unseen


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((2, 0.0001, 0, 0.0001), "rates that are too low: an update moves"),
        ((2, 0.0001, -1, 0.001), "dead ReLUs): 100% in fc0"),
        ((2, 0.0001, 0, 0), "no weights are trained: all rates are 0"),
    ],
)
def test_causes_are_told_apart(tmp_path, given, said):
    run = make_run(tmp_path, *net(*given)[::-1], side=8, minibatch=50, epochs=8)
    messages = []
    run.observer = Observer()
    run.observer.on_message = messages.append
    fit(run)
    assert len(messages) == 1 and said in messages[0]
    assert "initB" not in messages[0]


def test_a_net_that_learns_gets_none(tmp_path):
    for given in ((2, 0.05, 0, 0.002), (3, 0.08, 1, 0.001)):
        run, messages, hints = trained(tmp_path / str(given), *net(*given))
        assert run.history.best["error"] < 0.1
        assert messages == [] and hints == []


def test_the_hint_changes_nothing_and_is_not_given_twice(tmp_path, hopeless, monkeypatch):
    whole, _, (hint,) = hopeless
    made = {"side": 8, "minibatch": 50}
    layers, params = HOPELESS
    fit(make_run(tmp_path, params, layers, **made, epochs=EPOCHS, max_batches=hint["step"] - 3))
    for stop in (2, 4, None):
        path = newest(tmp_path)
        saved = load(path)
        run = make_run(tmp_path, params, layers, **made, epochs=EPOCHS, max_batches=stop)
        run.resume(saved, path)
        fit(run)
    hints = [r for r in journal.read(tmp_path) if r["event"] == "hint"]
    assert [r["step"] for r in hints] == [hint["step"]] and hints[0]["lines"] == hint["lines"]
    assert same(state(run), state(whole))
    monkeypatch.setattr("convnet.train.loop.monitor_minibatch", lambda *_: None)
    silent = make_run(None, params, layers, **made, epochs=EPOCHS)
    fit(silent)
    assert same(state(silent), state(whole))
    run = make_run(None, params.replace("epsW=0.01", "epsW=0.02", 1), layers, **made, epochs=30)
    run.resume(load(newest(tmp_path)))
    assert run.history.chance_level == ChanceLevel()  # new rates may get a hint of their own


def test_layers_in_replicas_are_examined_if_their_values_are_kept(tmp_path):
    """fc1 and the layers above it process the halves of a minibatch one after the other."""
    layers, params = net(3, 0.0001, -1, 0.001)
    layers = layers.replace("[fc0]\n", "[fc0]\ngpu=0,1\n").replace("[fc1]\n", "[fc1]\ngpu=0\n")
    _, (message,), _ = trained(tmp_path, layers, params)
    assert "dead ReLUs): 100% in fc0;" in message and "standard deviation" not in message


def in_order_of_classes():
    digits = open_dataset("digits")
    images, labels = {}, {}
    for split in ("train", "test"):
        every = np.arange(digits.count(split))
        order = np.argsort(digits.labels(split, every), kind="stable")
        images[split] = digits.images(split, order)
        labels[split] = digits.labels(split, order)
    return ArrayDataset("sorted", digits.class_names, images, labels)


@pytest.mark.parametrize("made", [[0, 1, 2], []])
def test_images_that_other_processes_read_are_not_compared(made):
    pixels = {0: np.float32([[0, 3, 6]])}
    batch = SimpleNamespace(cases=3, matrices=pixels, made=np.array(made, int))
    network = SimpleNamespace(output=lambda name: np.zeros((4, 1, 1, 3)))
    layers = [SimpleNamespace(name=name) for name in ("fc1", "fc2")]
    with warnings.catch_warnings(action="error"):
        line = _lost_signal(network, layers, batch)
    before = "by 2.4 in their pixels (standard deviation) and " * bool(made)
    assert line.startswith(f"images differ {before}by 0 in fc1: the initial weights")


def test_data_in_the_order_of_its_classes_is_reported(tmp_path):
    layers, params = net(1, 0.05, 0, 0.0005)
    run = make_run(tmp_path, params, layers, side=8, minibatch=10, epochs=1, max_batches=60)
    messages = []
    run.observer = Observer()
    run.observer.on_message = messages.append
    run.train = Feed(in_order_of_classes(), "train", 10, FeedOptions(side=8, shuffle=False))
    fit(run)
    assert (
        len(messages) == 1
        and "each of 10 minibatches in a row holds images of one class" in messages[0]
    )
    assert "shuffle it before it is stored" in messages[0]
    run = make_run(params=params, layers=layers, side=8, minibatch=10, epochs=1, max_batches=60)
    run.train = Feed(in_order_of_classes(), "train", 10, FeedOptions(side=8))
    run.observer.on_message = messages.append
    fit(run)
    assert len(messages) == 1 and run.history.chance_level.one_class is None


def test_stored_order_is_a_cause(tmp_path):
    layers, params = HOPELESS
    run = make_run(tmp_path, params, layers, side=8, minibatch=50, epochs=8)
    run.train = Feed(open_dataset("digits"), "train", 50, FeedOptions(side=8, shuffle=False))
    fit(run)
    (hint,) = [r for r in journal.read(tmp_path) if r["event"] == "hint"]
    assert "taken in stored order" in hint["lines"][1] and "holds 10 classes" in hint["lines"][1]


@pytest.mark.parametrize(
    ("cost", "right", "classes", "expected"),
    [
        (1.0, 1.0, 1000, True),  # cost over ln(classes), right answers over chance
        (0.995, 1.2, 1000, True),
        (1.04, 1.0, 1000, True),
        (0.98, 1.0, 1000, False),
        (1.07, 1.0, 1000, False),
        (1.0, 2.5, 1000, False),
        (1.0, 1.9, 10, False),
        (1.0, 1.0, 2, True),
        (1.0, 0.0, 21_841, True),
        (1.0, 1.7, 21_841, True),  # two images by chance
        (1.0, 9.0, 21_841, False),
    ],
)
def test_what_counts_as_guessing(cost, right, classes, expected):
    cases = 128 * segment_length(classes)
    errors = cases - right * cases / classes
    assert is_guessing(cost * log(classes) * cases, errors, cases, classes) is expected


def test_ten_segments_in_a_row():
    """A segment off chance level restarts the count."""
    level, found = ChanceLevel(), []
    for minibatch in range(700):
        cost = -5.0 if minibatch == 130 else log(10)  # enough to move the mean of the 7th segment
        if level.add(100 * cost, 90.0, 100, 10):
            found.append(minibatch + 1)
    assert segment_length(10) == 20 and SEGMENTS == 10
    assert found == [140 + 200]


def test_it_takes_more_minibatches_for_more_classes():
    assert [segment_length(n) * SEGMENTS for n in (2, 10, 100, 1000, 21_841)] == [
        200, 200, 1000, 2000, 2000,
    ]  # fmt: skip
